#!/bin/sh
# What may include what: each library has one place, and a layer knows only
# those below it.
. "$(dirname "$0")/lib/tap.sh"

# Every include below a directory as "layer file header", where the layer of
# src/deploy.c is "deploy" and a system header keeps its <.
includes() {
	(
		cd "$1" || exit 1
		grep -Hn '^[[:space:]]*#[[:space:]]*include' ./*.c ./*/*.[ch] |
			sed -n 's|^\./\([^:]*\):[0-9]*:[^<"]*["<]\(.*\)[">].*|\1 \2|p'
	) | awk '{
		layer = $1
		sub(/[\/.].*/, "", layer)
		print layer, $1, $2
	}'
}

# library_only LAYER REGEX: the files elsewhere that include such a header.
library_only() {
	includes "$SRC" | awk -v layer="$1" -v header="$2" \
		'$1 != layer && $3 ~ header { print $2 " includes " $3 }'
}

# layer_uses LAYER REGEX: its files that include another layer's header.
layer_uses() {
	includes "$SRC" | awk -v layer="$1" -v may="^(${2})/" '
		$1 == layer && $3 ~ /^\.\./ { print $2 " includes " $3 }
		$1 == layer && $3 ~ /^(base|tree|wire|transport|client|server)\// &&
			$3 !~ may { print $2 " includes " $3 }'
}

SRC=$TOP/src
is 'libssh2 is used in transport only' \
	"$(library_only transport '^libssh2')" ''
is 'libarchive is used in tree only' \
	"$(library_only tree '^archive(_entry)?\\.h')" ''
is 'OpenSSL is used in base only' "$(library_only base '^openssl/')" ''
is 'libzstd is used in base only' "$(library_only base '^z(std|dict)')" ''
is 'libcurl is used in server only' "$(library_only server '^curl/')" ''
is 'base uses nothing above it' "$(layer_uses base base)" ''
is 'tree uses base' "$(layer_uses tree 'tree|base')" ''
is 'wire uses base and tree' "$(layer_uses wire 'wire|tree|base')" ''
is 'transport uses base' "$(layer_uses transport 'transport|base')" ''
is 'client does not use server' \
	"$(layer_uses client 'client|transport|wire|tree|base')" ''
is 'server uses neither client nor transport' \
	"$(layer_uses server 'server|wire|tree|base')" ''
is 'deploy does not use server' \
	"$(layer_uses deploy 'client|transport|wire|tree|base')" ''
is 'deployd uses neither client nor transport' \
	"$(layer_uses deployd 'server|wire|tree|base')" ''

# What runs when a signal comes has to be safe wherever it strikes.
handlers() {
	grep -rhoE '\.sa_(handler|sigaction) = [A-Za-z_]+' "$SRC" |
		sed 's/.* //' | grep -vx -e SIG_IGN -e SIG_DFL | sort -u
}
is 'one handler of signals is there' "$(handlers)" note
is 'and it only notes the signal, or gives way to the second' "$(
	sed -n '/^note(int/,/^}/p' "$SRC/client/signals.c" |
		grep -oE '[a-z_]+\(' | sort -u | tr '\n' ' ')" \
	'note( raise( signal( '

# This test sees what it looks for.
SRC=$TMP/src
mkdir -p src/base src/tree src/server
printf '#include <libssh2.h>\n#include <archive.h>\n' >src/base/x.c
printf '# include "server/store.h"\n#include "base/buf.h"\n' >src/tree/x.h
echo 'struct sigaction sa = { .sa_handler = other };' >src/base/y.c
printf '#include <openssl/evp.h>\n#include "client/git.h"\n' >src/deployd.c
is 'a library in the wrong place is seen' \
	"$(library_only transport '^libssh2')" 'base/x.c includes libssh2.h'
is 'a header of a layer above is seen' \
	"$(layer_uses tree 'tree|base')" 'tree/x.h includes server/store.h'
is 'a program is seen' \
	"$(layer_uses deployd server; library_only base '^openssl/')" \
	'deployd.c includes client/git.h
deployd.c includes openssl/evp.h'
is 'a handler is seen' "$(handlers)" other
is 'what is allowed is not' "$(layer_uses base 'base')" ''

done_testing
