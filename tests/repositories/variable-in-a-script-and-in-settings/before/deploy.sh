#!/bin/sh
rain deploy infra/database.yaml orders-database --params MasterPassword=$DB_PASSWORD
