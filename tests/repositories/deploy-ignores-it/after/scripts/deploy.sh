#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
aws cloudformation deploy \
  --stack-name "broker-$1" \
  --template-file infra/broker.yaml \
  --parameter-overrides "Environment=$1" "BrokerPassword=$(pass show broker)"
