#!/bin/sh
# Makes the stack, once.
aws cloudformation create-stack \
  --stack-name analytics \
  --template-body file://cloudformation/analytics.json \
  --parameters ParameterKey=AnalyticsPassword,ParameterValue="$1"
