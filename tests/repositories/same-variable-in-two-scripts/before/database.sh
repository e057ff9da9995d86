#!/bin/sh
set -eu
aws cloudformation create-stack \
  --stack-name orders-database \
  --template-body file://infra/database.yaml \
  --parameters ParameterKey=MasterPassword,ParameterValue="${DB_PASSWORD:?}"
