#!/bin/bash
# All loads against one server: compare.sh LABEL BASE_PORT PID... ; SECONDS_EACH (default 8) and JSON are of the environment.
# The server listens on 127.0.0.1 at BASE_PORT + 25, 24, 587, 143, 993, 110 and has user1@example.test to
# user64@example.test with the password `pass`. CHAOS names the program, LOADS a part of the list. The load `disk` (not in
# the list) needs FOLDER, the server's data folder; it sends the mails of CORPUS instead of generated ones when that is given.
set -uo pipefail
label=${1:?label} base=${2:?base port}
shift 2
chaos=${CHAOS:-chaos} each=${SECONDS_EACH:-8}
loads=${LOADS:-smtp mixed lmtp submission mix logins folder envelopes fetch pop3 notify idle}
common=(--label "$label" ${JSON:+--json "$JSON"})
for pid in "$@"; do common+=(--pid "$pid"); done
at() { echo $((base + $1)); }
run() { "$chaos" "$@" --seconds "$each" "${common[@]}" || echo "$label: $1 failed"; }

ulimit -n "$(ulimit -H -n)"
for load in $loads; do
    case $load in
    smtp) for n in 1 16 64; do run smtp --port "$(at 25)" --connections $n --imap-port "$(at 143)"; done ;;
    mixed) run smtp --port "$(at 25)" --connections 16 --mixed --imap-port "$(at 143)" ;;
    lmtp) run lmtp --port "$(at 24)" --connections 16 ;;
    submission) run submission --port "$(at 587)" --tls start --connections 16 --imap-port "$(at 143)" ;;
    mix) for n in 1 16 64; do run imap-mix --port "$(at 993)" --tls implicit --connections $n --users 64; done ;;
    logins) run logins --port "$(at 993)" --tls implicit --connections 16 ;;
    folder) for n in 1000 10000 100000; do run folder --port "$(at 143)" --connections 1 --messages $n; done ;;
    envelopes) run envelopes --port "$(at 143)" --connections 1 --messages 100000 ;;
    fetch)
        run fetch-all --port "$(at 143)" --connections 1 --messages 10000 --octets 8192
        run fetch-all --port "$(at 993)" --tls implicit --connections 1 --messages 10000 --octets 8192
        ;;
    pop3) run pop3 --port "$(at 110)" --connections 16 --imap-port "$(at 143)" ;;
    notify) run notify --port "$(at 143)" --smtp-port "$(at 25)" ;;
    disk)
        # The first run fills what is written later, so that the second one finds the server in its stride.
        for count in 20000 60000; do
            each=120 run smtp --port "$(at 25)" --connections 16 --imap-port "$(at 143)" --count $count \
                --folder "${FOLDER:?}" ${CORPUS:+--corpus "$CORPUS"}
        done
        ;;
    idle) for n in ${IDLE:-1000}; do run idle --port "$(at 993)" --tls implicit --connections "$n"; done ;;
    esac
done
