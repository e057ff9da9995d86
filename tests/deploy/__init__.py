"""Deploys repaired templates with a real CloudFormation engine on this machine (make test-deploy).

The engine is LocalStack. It has Redshift, Secrets Manager, SSM, Lambda and IAM, but not RDS, so
that no template with an RDS database is deployed here. An attachment of a secret is an empty shell
in it: it is created, but writes nothing into the secret.
"""
