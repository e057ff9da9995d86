#!/bin/sh
DB_PASSWORD=$(pass show orders/database)
aws cloudformation create-stack \
  --stack-name orders-database \
  --template-body file://infra/database.yaml \
  --parameters ParameterKey=MasterPassword,ParameterValue="${DB_PASSWORD}"
