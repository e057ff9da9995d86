#!/bin/bash
for stack in database application; do
  aws cloudformation deploy --stack-name "orders-${stack}" \
    --template-file "infra/${stack}.yaml" \
    --parameter-overrides MasterPassword="$DB_PASSWORD"
done
