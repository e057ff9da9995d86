aws cloudformation deploy --stack-name database `
  --template-file database.yaml `
  --parameter-overrides DBPassword=$Password
