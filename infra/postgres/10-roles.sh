#!/bin/sh
# Applies roles.sql when the data directory is created, with the passwords of SEPTET_POSTGRES_<ROLE>_PASSWORD or of
# the files septet_postgres_<role>_password in SEPTET_SECRETS_DIR. The superuser must not be called `septet`.
set -eu

options="-c client_min_messages=warning"
for role in septet guardrails cache retrieval generation eval feedback judge gateway; do
    variable="SEPTET_POSTGRES_$(echo "$role" | tr '[:lower:]' '[:upper:]')_PASSWORD"
    file="${SEPTET_SECRETS_DIR:-/run/secrets}/septet_postgres_${role}_password"
    eval "password=\${$variable:-}"
    if [ -z "$password" ] && [ -r "$file" ]; then
        password=$(cat "$file")
    fi
    if [ -z "$password" ]; then
        echo "$0: no password for the role $role: set $variable, or write $file" >&2
        exit 1
    fi
    # A space or a backslash would end the option.
    escaped=$(printf '%s' "$password" | sed 's/[\\ ]/\\&/g')
    options="$options -c septet_password.$role=$escaped"
done

PGOPTIONS="$options" psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
    --dbname "${POSTGRES_DB:-septet}" --file "$(dirname "$0")/roles.sql"
