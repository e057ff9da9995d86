import sys

import boto3

client = boto3.client("cloudformation")
with open("cloudformation/analytics.json", encoding="utf-8") as template:
    client.update_stack(
        StackName="analytics",
        TemplateBody=template.read(),
        Parameters=[
            {"ParameterKey": "AnalyticsPassword", "UsePreviousValue": True},
        ],
    )
