#!/bin/sh
# A client that keeps to nothing: each of its conversations ends in time with
# an answer of the right kind, in bounded memory, and changes nothing that is
# live.  The tables are in t/hostile.
# It takes long.
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
mkdir -p store deaf/store

# Who reads nothing has a minute, beside the others.
(cd deaf && exec "$BUILD/t/hostile/client" "$DEPLOYD" "$TMP/deaf/store/apps" \
	"$HOSTILE_KIB" deaf) >"$TMP/deaf/lines" 2>&1 &
deaf=$!
reap "$deaf"
hostile 1000 "$BUILD/t/hostile/client" "$DEPLOYD" "$TMP/store/apps" "$HOSTILE_KIB" \
	frames messages states manifests differences ranges verbs settings \
	lanes tars streams limits
wait "$deaf"
hostile 9 cat "$TMP/deaf/lines"
is 'no set-id bit stands in the store' "$(find store -perm /7000)" ''
ok 'no command that stood in a name was run' \
	test -z "$(find . -name outside)"

done_testing
