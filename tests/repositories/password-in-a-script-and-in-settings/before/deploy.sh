#!/bin/sh
sam deploy --template-file infra/application.yaml --parameter-overrides 'ParameterKey=AppPassword,ParameterValue=Kept-in-git-4711'
