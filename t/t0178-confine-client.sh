#!/bin/sh
# What deploy gives up once it has read its tree and is logged in.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/sshd.sh"

sshd_available || skip_all 'sshd is not installed'
sshd_setup
sshd_start || skip_all 'sshd does not start'
cat >"$TMP/deployd" <<END
#!/bin/sh
exec env -u DEPLOY_TRACE DEPLOYD_ROOT=$DEPLOYD_ROOT DEPLOYD_CONF=$DEPLOYD_CONF $DEPLOYD "\$@"
END
chmod 755 "$TMP/deployd"
over() {
	target=$1
	shift
	timeout 60 "$DEPLOY" -F "$SSH_CONFIG" --deployd="$TMP/deployd" -C app \
		"$@" "$target:blog"
}

# A push that waits in its build.
make_tree app
cp -r app saved
printf '[hooks]\nbuild = cat %s/gate\n' "$TMP" >app/deploy.conf
mkfifo gate
# privileges: NoNewPrivs of its threads, the first of them first.
privileges() {
	for task in "/proc/$1"/task/*/status; do
		sed -n 's/^NoNewPrivs:[[:space:]]*//p' "$task"
	done | tr '\n' ' '
}
# held TRANSPORT [MANY]: its threads meanwhile are $threads; looks MANY times
# until all are confined, since the build may begin before the client has read
# all that came.
held() {
	"$DEPLOY" -F "$SSH_CONFIG" --deployd="$TMP/deployd" --transport="$1" \
		-C app --rebuild target:blog >"$TMP/held" 2>&1 &
	pid=$!
	reap $pid
	# It is opened when the hook reads.
	exec 4>gate
	looks=${2:-1}
	while threads=$(privileges $pid) && [ $((looks -= 1)) -gt 0 ]; do
		case $threads in
		*0*) sleep 0.1 ;;
		*) break ;;
		esac
	done
	exec 4>&-
	wait $pid
}
held libssh2 100
is 'a deploy that waits for its build' "$?" 0
like 'has several threads' "$threads" '^1 1'
unlike 'none of which can gain privileges' "$threads" 0
if command -v git >/dev/null; then
	# git is asked about what is live, so this one has to wait for that.
	for i in 1 2; do
		git -C app init -q
		git -C app add .
		git -C app -c user.name=a -c user.email=a@b commit -q \
			--allow-empty -m "$i"
		held libssh2 100
		is "a repository, deploy $i" "$?" 0
		unlike 'none of its threads can, either' "$threads" 0
	done
fi
held openssh 20
is 'one through ssh' "$?" 0
is 'confines what reads the tree' "${threads%% *}" 1
like 'and not what watches ssh' "$threads" 0

if command -v strace >/dev/null; then
	# What looks for leaks traces, too, and looks at /proc.
	ignore_leaks
	elsewhere='"/'
	! grep -qs sanitize= "$BUILD/flags" || elsewhere='"/[^ps]'
	rm -r app
	cp -r saved app
	head -c 3000000 /dev/urandom >app/much
	# watched STATUS NAME STRACE-OPTIONS...: a deploy under strace.
	watched() {
		want=$1 name=$2
		shift 2
		cat >watched <<END
#!/bin/sh
exec strace -f -o $TMP/calls $* \\
	-e trace=/clone3?,landlock_create_ruleset,landlock_restrict_self,openat,openat2,execve \\
	$DEPLOY "\$@"
END
		chmod 755 watched
		if [ "$want" = 0 ]; then
			DEPLOY=./watched ok "$name" over target --transport=libssh2 \
				--rebuild --force
		else
			DEPLOY=./watched fails "$want" "$name" over target \
				--transport=libssh2 --rebuild --force
		fi
	}
	watched 0 'a deploy'
	same_tree 'arrives' app blog
	# A call that others came between stands on two lines.
	awk '/ <unfinished \.\.\.>$/ { sub(/ <unf.*/, ""); begun[$1] = $0; next }
		/<\.\.\. .* resumed>/ {
			rest = $0
			sub(/.* resumed>/, "", rest)
			$0 = begun[$1] rest
		}
		{ print }' calls >whole
	# What a thread does behind its own, and those that it starts then.
	awk '/landlock_restrict_self/ && / = 0$/ { confined[$1] = 1; n++ }
		confined[$1] && /clone/ && / = [0-9]+$/ { confined[$NF] = 1 }
		confined[$1] && /exec/ { print "runs: " $0 }
		confined[$1] && /open/ && / = [0-9]+$/ { print "opens: " $0 }
		END { print n }' whole >after
	if grep -q 'landlock_restrict_self.* = 0$' whole; then
		is 'what talks, what connects and what packs confine themselves' \
			"$(tail -n 1 after)" 3
		unlike 'and open nothing of elsewhere' "$TMP/after" "$elsewhere"
		unlike 'nor run anything' "$TMP/after" '^runs'
		like 'but files of the tree' "$TMP/after" '^opens: .*"much"'
		like 'and the cache' "$TMP/after" '^opens: .*base.*O_WRONLY'
	fi
	echo 1 >>app/one
	watched 0 'a kernel without Landlock' \
		-e inject=landlock_create_ruleset:error=ENOSYS
	same_tree 'does as well' app blog
	echo 2 >>app/one
	watched 1 'Landlock that is there and fails' \
		-e inject=landlock_restrict_self:error=E2BIG
	like 'is an error' "$OUT" 'Landlock: '
else
	skip 'what it opens' 'there is no strace'
fi

done_testing
