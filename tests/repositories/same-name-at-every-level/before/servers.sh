#!/bin/sh
aws cloudformation deploy --template-file templates/servers.yaml --stack-name servers --parameter-overrides DBPassword="$1"
