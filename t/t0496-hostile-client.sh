#!/bin/sh
# A client that keeps to nothing: each of its conversations ends in time with
# an answer of the right kind, in bounded memory, and changes nothing that is
# live.  The tables are in t/hostile.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/hostile.sh"

cat >deployd.conf <<'END'
[deployd]
durability = relaxed
spare = no
reserve = 0
max_files = 100
max_entries = 200
max_bytes = 10M
max_file_size = 9M
END
DEPLOYD_CONF=$TMP/deployd.conf
export DEPLOYD_CONF
mkdir store

hostile 900 "$BUILD/t/hostile/client" "$DEPLOYD" "$TMP/store/apps" "$HOSTILE_KIB" \
	frames messages states manifests differences ranges verbs tars streams \
	limits
ok 'no command that stood in a name was run' \
	test -z "$(find . -name outside)"

done_testing
