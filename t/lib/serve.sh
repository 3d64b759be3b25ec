# shellcheck shell=sh
# For tests that speak to `deployd --serve` through a pipe, frame by frame.
# Sourced after tap.sh and app.sh.
#
#	serve --app blog        starts it; what is written to 3 is its input
#	hello >&3               the magic line and hello
#	await result            until such a frame has come (60 s at most)
#	serve_end               closes 3 and waits for its end
#
#	$TRACE   what it read (<) and wrote (>), decoded: see DEPLOY_TRACE
#	$REPLY   the bytes that it wrote
#	$ERRORS  the standard errors of all of them
#
#	frame TYPE [FILE]       a frame with the file as payload
#	control TYPE LINE...    a frame of "key value" lines
#	stream TYPE FILE        as many frames as the file needs
#	got KEY [TYPE]          the value of a key in the last such frame that
#	                        was written (result, if not said)
#
#	describe DIR            writes DIR's manifest to $MANIFEST and sets
#	                        TREE; it must not hold a deploy.conf
#	push APP DIR [LINE...]  hello and push; further lines of the push
#	deliver APP DIR [LINE...]  all of a deploy of an app that has nothing,
#	                        to the last file, without waiting for anything

TRACE=$TMP/.serve/trace
REPLY=$TMP/.serve/reply
ERRORS=$TMP/.serve/errors
MANIFEST=$TMP/.serve/manifest
# The text of deploy.conf.
SETTINGS=$TMP/.serve/settings
mkdir "$TMP/.serve"
: >"$SETTINGS"
# Writing to a server that has ended is no end of the test.
trap '' PIPE

serve() {
	rm -f "$TMP/.serve/in" "$TRACE"
	mkfifo "$TMP/.serve/in"
	: >"$TRACE"
	DEPLOY_TRACE=$TRACE "$DEPLOYD" --serve "$@" <"$TMP/.serve/in" \
		>"$REPLY" 2>>"$ERRORS" &
	PID=$!
	reap "$PID"
	exec 3>"$TMP/.serve/in"
}

await() {
	serve_tries=0
	until grep -aq "^> $1 " "$TRACE"; do
		serve_tries=$((serve_tries + 1))
		[ "$serve_tries" -lt 1200 ] || return 1
		kill -0 "$PID" 2>/dev/null || return 1
		sleep 0.05
	done
}

serve_end() {
	exec 3>&-
	wait "$PID" 2>/dev/null
}

# finish: after all was said.
finish() {
	await result
	serve_end
}

frame() {
	printf '%s %d\n' "$1" "$(wc -c <"${2:-/dev/null}")"
	cat "${2:-/dev/null}"
}

control() {
	serve_type=$1
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$TMP/.serve/control"
	[ $# -gt 0 ] || : >"$TMP/.serve/control"
	frame "$serve_type" "$TMP/.serve/control"
}

stream() {
	rm -f "$TMP/.serve/piece."*
	split -b 65536 "$2" "$TMP/.serve/piece."
	for serve_piece in "$TMP/.serve/piece."*; do
		frame "$1" "$serve_piece"
	done
}

got() {
	awk -v key="$1" -v type="${2:-result}" '
		/^[<>] / { in_it = $1 == ">" && $2 == type; if (in_it) value = ""; next }
		in_it && $1 == key { sub(/^ *[^ ]+ /, ""); value = $0 }
		END { print value }' "$TRACE"
}

magic() {
	printf 'deploy-protocol 1\n'
}

hello() {
	magic
	control hello 'version 1' 'agent test'
}

hash_of() {
	sha256sum <"$1" | cut -d' ' -f1
}

describe() {
	(
		cd "$1" || exit 1
		find . -mindepth 1 -printf '%P\n' | tr '/' '\001' |
			LC_ALL=C sort | tr '\001' '/' |
			while IFS= read -r path; do
				if [ -L "$path" ]; then
					printf 'l\t%s\t%s\n' \
						"$(readlink "$path")" "$path"
				elif [ -d "$path" ]; then
					printf 'd\t755\t%s\n' "$path"
				else
					mode=644
					[ ! -x "$path" ] || mode=755
					printf 'f\t%s\t%d\t%s\t%s\n' "$mode" \
						"$(wc -c <"$path")" \
						"$(hash_of "$path")" "$path"
				fi
			done
	) >"$MANIFEST"
	TREE=$(hash_of "$MANIFEST")
	printf 'end\t%s\n' "$TREE" >>"$MANIFEST"
}

# f lines whose content has not come before, and is not empty.
first_files() {
	awk -F'\t' '$1 == "f" && $3 > 0 && !seen[$4]++ { print $5 }' "$MANIFEST"
}

push() {
	serve_app=$1
	describe "$2"
	shift 2
	hello
	set -- "app $serve_app" "tree $TREE" "settings $(hash_of "$SETTINGS")" \
		"files $(grep -c '^f' "$MANIFEST")" "$@"
	case "$*" in
	*'user '*) ;;
	*) set -- "$@" 'user tester' ;;
	esac
	case "$*" in
	*'then '*) ;;
	*) set -- "$@" 'then activate' ;;
	esac
	control push "$@"
}

tell_manifest() {
	control full
	frame settings "$SETTINGS"
	zstd -qc "$MANIFEST" >"$TMP/.serve/packed"
	stream manifest "$TMP/.serve/packed"
}

# The files of DIR that are listed on standard input.
tell_files() {
	(cd "$1" && tar -cf - --format=ustar --no-recursion --verbatim-files-from \
		-T -) | zstd -qc >"$TMP/.serve/packed"
	stream files "$TMP/.serve/packed"
}

deliver() {
	serve_dir=$2
	push "$@"
	tell_manifest
	first_files | tell_files "$serve_dir"
}
