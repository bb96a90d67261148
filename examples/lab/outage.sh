#!/usr/bin/env bash
# A test in shell, against a lab: PuppetDB's queries are answered by the replica once the master's database is gone.
# usage: outage.sh STANDIN        the path of the standin command
set -euo pipefail

# Reading from it keeps it up: a lab ends with its standard input.
coproc LAB { exec "${1:-standin}" lab serve; }
read -r place <&"${LAB[0]}"
at() { sed -E "s/.*\"$1\":\"([^\"]+)\".*/\1/" <<<"$place"; }
control=$(at control) ssldir=$(at ssldir)

query() {
    curl --silent --output /dev/null --write-out '%{http_code}' --max-time 20 \
        --cacert "$ssldir/certs/ca.pem" --cert "$ssldir/certs/agent.test.pem" --key "$ssldir/private_keys/agent.test.pem" \
        --resolve "$1:8081:$(at "$1")" "https://$1:8081/pdb/query/v4/nodes/agent.test/facts"
}

expect() {
    [[ $2 == "$1" ]] || {
        echo "outage.sh: $3: expected $1, got $2" >&2
        exit 1
    }
}

expect 200 "$(query master.test)" "a healthy master"
curl --silent --fail --max-time 20 -X POST "$control/v1/faults" \
    -d '{"host":"master.test","service":"puppetdb","what":"database-down"}' >/dev/null
expect 500 "$(query master.test)" "a master without its database"
expect 200 "$(query replica.test)" "its replica"
curl --silent --fail --max-time 20 -X DELETE "$control/v1/faults"
expect 200 "$(query master.test)" "the master when its database is back"
echo "outage.sh: passed"
