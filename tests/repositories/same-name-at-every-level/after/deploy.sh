#!/bin/sh
aws cloudformation package --template-file main.yaml --s3-bucket "$BUCKET" --output-template-file packaged.yaml
aws cloudformation deploy --template-file packaged.yaml --stack-name main --parameter-overrides DBPassword="$1"
