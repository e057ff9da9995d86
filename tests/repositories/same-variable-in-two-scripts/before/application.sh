#!/bin/sh
aws cloudformation deploy --stack-name orders-application \
  --template-file infra/application.yaml \
  --parameter-overrides "DatabaseLogin=$DB_PASSWORD"
