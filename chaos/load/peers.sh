#!/bin/bash
# Postfix + Dovecot (mdbox, LMTP) on the loopback ports 20000 + n, to compare with: peers.sh start|stop DIR
# Needs root and the packages postfix dovecot-imapd dovecot-pop3d dovecot-lmtpd; touches nothing outside of DIR but
# makes the user vmail. DIR must be readable for that user.
set -euo pipefail
action=${1:?start or stop} dir=$(realpath -m "${2:?folder}") base=${BASE:-20000}
port() { echo $((base + $1)); }

stop() {
    doveadm -c "$dir/etc/dovecot.conf" stop 2>/dev/null || true
    postfix -c "$dir/etc" stop 2>/dev/null || true
}

start() {
    mkdir -p "$dir"/{run,mail,etc,spool,data}
    getent passwd vmail >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin vmail
    chown vmail "$dir/mail" && chown postfix "$dir/data"
    [ -f "$dir/etc/cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj /CN=mail.example.test -keyout "$dir/etc/key.pem" -out "$dir/etc/cert.pem" 2>/dev/null
    local hash
    hash=$(doveadm pw -s SSHA512 -p pass)
    for n in $(seq 1 100); do echo "user$n@example.test:$hash"; done >"$dir/etc/users"
    chmod 644 "$dir/etc/users" "$dir/etc/key.pem"
    cat >"$dir/etc/dovecot.conf" <<END
base_dir = $dir/run
log_path = $dir/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <$dir/etc/cert.pem
ssl_key = <$dir/etc/key.pem
disable_plaintext_auth = no
mail_location = mdbox:$dir/mail/%u
mail_uid = vmail
mail_gid = $(id -gn vmail)
first_valid_uid = 1
mail_max_userip_connections = 0
default_process_limit = 3000
default_client_limit = 20000
passdb {
  driver = passwd-file
  args = scheme=SSHA512 username_format=%u $dir/etc/users
}
userdb {
  driver = static
  args = uid=vmail gid=$(id -gn vmail) home=$dir/mail/%u
}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  inet_listener imap {
    port = $(port 143)
  }
  inet_listener imaps {
    port = $(port 993)
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = $(port 110)
  }
  inet_listener pop3s {
    port = $(port 995)
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $(port 24)
  }
}
service auth {
  unix_listener $dir/spool/private/auth {
    mode = 0666
  }
}
END
    cat >"$dir/etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
maillog_file = $dir/postfix.log
maillog_file_prefixes = $dir
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.test
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:inet:127.0.0.1:$(port 24)
smtpd_tls_cert_file = $dir/etc/cert.pem
smtpd_tls_key_file = $dir/etc/key.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_auth_enable = yes
alias_maps =
local_recipient_maps =
message_size_limit = 104857600
mailbox_size_limit = 0
default_process_limit = 200
END
    {
        for n in 25 587; do echo "$(port $n) inet n - n - - smtpd"; done
        echo "$(port 465) inet n - n - - smtpd -o smtpd_tls_wrappermode=yes"
        cat <<END
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END
    } >"$dir/etc/master.cf"
    postfix -c "$dir/etc" start
    dovecot -c "$dir/etc/dovecot.conf"
    sleep 1
    echo "--pid $(tr -d ' ' <"$dir/spool/pid/master.pid") --pid $(tr -d ' ' <"$dir/run/master.pid")"
}

"$action"
