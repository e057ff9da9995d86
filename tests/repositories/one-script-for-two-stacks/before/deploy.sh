#!/bin/sh
aws cloudformation deploy --stack-name servers \
  --template-file servers.yaml \
  --parameter-overrides DBPassword="$2"
aws cloudformation deploy --stack-name database --template-file database.yaml --parameter-overrides DBPassword="$1"
aws cloudformation create-stack \
  --stack-name database-2 \
  --template-body file://database.yaml \
  --parameters \
    ParameterKey=DBPassword,ParameterValue="$1"
