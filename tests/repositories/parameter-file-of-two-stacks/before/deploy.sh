#!/bin/sh
aws cloudformation deploy --stack-name orders-database --template-file infra/database.yaml --parameter-overrides file://params.json
aws cloudformation deploy --stack-name orders-application --template-file infra/application.yaml --parameter-overrides file://params.json
