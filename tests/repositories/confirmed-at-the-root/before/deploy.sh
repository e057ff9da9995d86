aws cloudformation deploy --stack-name main --template-file main.yaml --parameter-overrides DBPassword=$1 DBPasswordConfirm=$1
