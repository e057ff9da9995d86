#!/bin/bash
for stack in database application; do
  aws cloudformation deploy --stack-name "orders-${stack}" \
    --template-file "infra/$stack.yaml" \
    --parameter-overrides file://params.json
done
