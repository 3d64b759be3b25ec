#!/bin/sh
# What deployd gives up before it reads what a client sends, seen from outside.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
make_tree app

# in_status PID KEY: of each thread of a process, once.
in_status() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1"/task/*/status | sort -u
}

limit() {
	awk -v name="Max $2" 'index($0, name) == 1 {
		print $(NF - ($NF ~ /^[0-9]+$/ ? 0 : 1)) }' "/proc/$1/limits"
}

# An intake in the middle of its work.
# shellcheck disable=SC2119
serve
{
	push blog app
	tell_manifest
} >&3
ok 'an upload begins' await need-end
intake=$(pgrep -P "$PID")
is 'its intake is one process' "$(echo "$intake" | wc -w)" 1
is 'in which nobody gets new privileges' "$(in_status "$intake" NoNewPrivs)" 1
if instrumented; then
	skip 'whose threads are all filtered' 'this deployd is instrumented'
	skip 'and whose limits are low' 'this deployd is instrumented'
else
	is 'whose threads are all filtered' "$(in_status "$intake" Seccomp)" 2
	is 'and whose limits are low' "$(limit "$intake" 'core file size') $(
		limit "$intake" processes) $(limit "$intake" 'open files')" \
		'0 0 8'
fi
is 'what it has open is little' \
	"$(find "/proc/$intake/fd" -mindepth 1 -exec readlink {} + |
		sed 's/:.*//; s,.*/blog/,,' | sort -u | tr '\n' ' ')" \
	"$(printf '%s\n' .deployd/tmp '/memfd' socket "$(readlink -f "$ERRORS")" |
		sort | tr '\n' ' ')"
is 'the session is not confined: hooks may use sudo' \
	"$(in_status "$PID" NoNewPrivs) $(in_status "$PID" Seccomp)" '0 0'
first_files | tell_files app >&3
ok 'the files come' await result
serve_end
is 'and the release is live' "$(got outcome)" deployed
same_tree 'as it was sent' app blog

# What a kernel lacks is done without; what fails is an error.
if command -v strace >/dev/null; then
	# without STATUS NAME CALL:ERROR...: a deploy of a changed tree.
	without() {
		want=$1 name=$2
		shift 2
		echo "$name" >app/one
		injected=$(printf -- '-e inject=%s ' "$@")
		cat >deployd-traced <<END
#!/bin/sh
exec strace -f -o $TMP/strace $injected $DEPLOYD "\$@"
END
		chmod 755 deployd-traced
		if [ "$want" = 0 ]; then
			ok "$name" "$DEPLOY" --deployd="$TMP/deployd-traced" \
				local:blog app
		else
			fails "$want" "$name" "$DEPLOY" \
				--deployd="$TMP/deployd-traced" local:blog app
		fi
	}
	without 0 'a kernel without Landlock' \
		landlock_create_ruleset:error=ENOSYS
	without 0 'one that does not allow it' \
		landlock_create_ruleset:error=EOPNOTSUPP
	without 0 'without seccomp' seccomp:error=EINVAL
	without 0 'with nothing of it' landlock_create_ruleset:error=ENOSYS \
		seccomp:error=ENOSYS
	same_tree 'all of them deploy' app blog
	without 6 'Landlock that is there and fails' \
		landlock_restrict_self:error=E2BIG
	like 'is an error' "$OUT" 'Landlock: '
	is 'and nothing was deployed' "$(cat "$DEPLOYD_ROOT/blog/current/one")" \
		'with nothing of it'
	if instrumented; then
		skip 'seccomp that fails' 'this deployd is instrumented'
		done_testing
	fi
	without 6 'seccomp that fails' seccomp:error=EFAULT:when=2+
	like 'is an error, too' "$OUT" 'seccomp: '
	grep -v '^[0-9]* +++\|SIGCHLD' strace >calls
	pid=$(sed -n 's/ landlock_restrict_self.*//p' calls | head -n 1)
	is 'nothing was read before it' "$(grep "^$pid " calls | sed -n \
		'1,/seccomp(SECCOMP_SET/p' | grep -c ' read(')" 0
else
	skip 'kernels that have less' 'there is no strace'
fi
like 'nothing was said to standard error' "$(cat "$ERRORS")." '^\.$'

done_testing
