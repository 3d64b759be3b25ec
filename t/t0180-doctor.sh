#!/bin/sh
# deployd doctor and deploy doctor: what is in force here, and what is amiss.
# shellcheck disable=SC2016 # what is amiss is done by eval
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

instrumented && skip_all 'this deployd is instrumented'
make_tree app
ok 'there is an app' "$DEPLOY" local:blog app
mkdir -p "$HOME/.ssh"
chmod 700 "$HOME/.ssh"

# As root everything is a fault of the account's: it is left out.
program=$DEPLOYD
doctor() {
	"$program" doctor | grep -v '^[a-z]* *account '
	! "$program" doctor | grep -v ' account ' | grep -q '^fault'
}
# state NAME: of that line of the last one.
state() {
	sed -n "s/^\\([a-z]*\\) *$1 .*/\\1/p" "$OUT"
}

doctor >"$TMP/first"
if grep '^fault' "$TMP/first" >"$TMP/faults"; then
	skip_all "this machine is not well: $(head -n 1 "$TMP/faults")"
fi
if uname -r | awk -F. '{ exit !($1 > 6 || ($1 == 6 && $2 > 12)) }' &&
	grep -q '^ok *landlock' "$TMP/first"; then
	ok 'nothing is amiss' doctor
	for name in openat2 no_new_privs landlock seccomp; do
		is "$name is in force" "$(state $name)" ok
	done
	like 'all of it' "$OUT" 'landlock .*no network and no process of others'
fi
ok 'all names are those of the page' test -z "$("$DEPLOYD" doctor |
	awk '{ print $2 }' | sort -u | while read -r name; do
	[ "$name" = deployd ] || sed -n '/^\.It Cm doctor/,/^\.Ss/p' \
		"$TOP/man/deployd.8" | grep -q "^\.It Cm .*\<$name\>" ||
		echo "$name"
done)"
if [ "$(id -u)" = 0 ]; then
	fails 1 'root is' "$DEPLOYD" doctor
	is 'a fault' "$(state account)" fault
	# The account that owns its root is well.
	chmod 711 "$TMP"
	mkdir "$TMP/nobody"
	chown 65534 "$TMP/nobody"
	if command -v setpriv >/dev/null && setpriv --reuid 65534 \
		test -x "$DEPLOYD"; then
		ok 'another account is not' env HOME="$TMP/nobody" \
			DEPLOYD_ROOT="$TMP/nobody" setpriv --reuid 65534 \
			--regid 65534 --clear-groups "$DEPLOYD" doctor
		is 'which is said' "$(state account)" ok
	fi
fi

# Each fault, by itself.
# amiss NAME PATTERN COMMAND UNDO
amiss() {
	eval "$3"
	fails 1 "amiss: $2" doctor
	is "is $1" "$(state "$1" | sort -u | grep fault)" fault
	like 'and is told' "$OUT" "$2"
	is 'nothing else is' "$(grep -c ^fault "$OUT")" 1
	eval "$4"
}
ok 'before' doctor
amiss root 'others may write in .*/srv: chmod go-w' \
	'chmod 777 "$DEPLOYD_ROOT"' 'chmod 755 "$DEPLOYD_ROOT"'
amiss apps "$DEPLOYD_ROOT/blog/.deployd has mode 755: .*: chmod go= $DEPLOYD_ROOT/blog/.deployd\$" \
	'chmod 755 "$DEPLOYD_ROOT/blog/.deployd"' \
	'chmod 700 "$DEPLOYD_ROOT/blog/.deployd"'
app=$DEPLOYD_ROOT/blog
for at in "" /releases "/releases/$(live blog)"; do
	amiss apps "others may write in $app$at: chmod go-w $app$at\$" \
		'chmod 777 "$app$at"' 'chmod 755 "$app$at"'
done
for at in .deployd releases; do
	amiss apps "$app/$at is no directory: move it away" \
		'mv "$app/$at" "$app/x" && ln -s x "$app/$at"' \
		'rm "$app/$at" && mv "$app/x" "$app/$at"'
done
if [ "$(id -u)" = 0 ]; then
	for at in .deployd .deployd/history .deployd/lock releases; do
		amiss apps "$app/$at belongs to uid 1: chown root $app/$at\$" \
			'chown 1 "$app/$at"' 'chown 0 "$app/$at"'
	done
fi
amiss apps 'blog/env has mode 644' \
	'echo A=1 >"$DEPLOYD_ROOT/blog/env"' 'rm "$DEPLOYD_ROOT/blog/env"'
amiss conf "others may write $DEPLOYD_CONF: chmod go-w $DEPLOYD_CONF" \
	'chmod 666 "$DEPLOYD_CONF"' 'chmod 644 "$DEPLOYD_CONF"'
# Whoever may change a link on the way changes the way.
mkdir through
ln -s ../srv through/link
ln -s through/link link
real=$DEPLOYD_ROOT
unset DEPLOYD_ROOT
printf '[deployd]\nroot = %s/link\n' "$TMP" >"$DEPLOYD_CONF"
amiss root "others may write in $TMP/through: chmod go-w $TMP/through\$" \
	'chmod 777 through' 'chmod 755 through'
: >"$DEPLOYD_CONF"
DEPLOYD_ROOT=$real
export DEPLOYD_ROOT
rm -r link through
mkdir conf
mv "$DEPLOYD_CONF" conf
DEPLOYD_CONF=$TMP/conf/deployd.conf
amiss conf "others may write in $TMP/conf: chmod go-w $TMP/conf\$" \
	'chmod 777 conf' 'chmod 755 conf'
amiss conf "others may write in $TMP/conf: chmod go-w" \
	'chmod 777 conf; rm conf/*' 'chmod 755 conf; : >"$DEPLOYD_CONF"'
amiss conf "^fault conf *$DEPLOYD_CONF:2: no such key in .deployd.: kep" \
	'printf "[deployd]\nkep = 3\n" >"$DEPLOYD_CONF"' ': >"$DEPLOYD_CONF"'
printf '[deployd]\nkeep = x\n' >"$DEPLOYD_CONF"
fails 4 'by a mistake in deployd.conf the client is refused' \
	"$DEPLOY" status local:blog
like 'with the line' "$OUT" "^deploy: $DEPLOYD_CONF:2: "
like 'and what to do' "$OUT" '^deploy: on the server, .*deployd doctor'
fails 4 'a deploy, too' "$DEPLOY" local:blog app
like 'with the line' "$OUT" "^deploy: $DEPLOYD_CONF:2: "
fails 1 'on the server' "$DEPLOYD" status blog
like 'it is told as well' "$OUT" "^deployd: $DEPLOYD_CONF:2: "
: >"$DEPLOYD_CONF"
mkdir program
cp "$DEPLOYD" program/deployd
program=$TMP/program/deployd
ok 'another program' doctor
amiss program "others may write $program: chmod go-w $program\$" \
	'chmod 777 program/deployd' 'chmod 755 program/deployd'
amiss program "others may write in $TMP/program: chmod go-w $TMP/program\$" \
	'chmod 777 program' 'chmod 755 program'
program=$DEPLOYD
amiss room 'none is accepted' \
	'printf "[deployd]\nreserve = 100000T\n" >"$DEPLOYD_CONF"' \
	': >"$DEPLOYD_CONF"'
ssh-keygen -q -t ed25519 -N '' -C ann -f key
amiss keys 'line 1 of .* lacks `restrict' \
	'echo "command=\"deployd --serve --as restrict,x\" $(cat key.pub)" \
		>"$HOME/.ssh/authorized_keys"' ':'
amiss keys 'line 1 of .* lets nobody in: --allow: .foo. is not one of read,' \
	'echo "restrict,command=\"deployd --serve --allow read,foo\"" \
		"$(cat key.pub)" >"$HOME/.ssh/authorized_keys"' ':'
amiss keys 'others may write .*/authorized_keys' \
	'echo "restrict,command=\"deployd --serve\" $(cat key.pub)" \
		>"$HOME/.ssh/authorized_keys"
	chmod 666 "$HOME/.ssh/authorized_keys"' \
	'chmod 600 "$HOME/.ssh/authorized_keys"'
amiss keys "others may write in $HOME/.ssh: chmod go-w $HOME/.ssh" \
	'chmod 777 "$HOME/.ssh"' 'chmod 700 "$HOME/.ssh"'
ok 'a limited key' doctor
like 'is well' "$OUT" '^ok *keys *1 for deployd alone, 0 that can'
ok 'that of authorize' "$DEPLOYD" authorize key.pub --app blog --allow read \
	--as ann --replace
ok 'is' doctor
like 'so too' "$OUT" '^ok *keys *1 for deployd alone, 0 that can'
cat key.pub >"$HOME/.ssh/authorized_keys"
ok 'a key without limits is no fault' doctor
is 'but worth a note' "$(state keys)" note
echo 'durability = relaxed' | sed '1i[deployd]' >"$DEPLOYD_CONF"
ok 'so is relaxed durability' doctor
is 'which is a note' "$(state durability)" note
printf '[app "blog"]\nconfine = yes\n' >"$DEPLOYD_CONF"
ok 'confined hooks' doctor
like 'are told' "$OUT" '^ok *hooks *confined for: blog'
cp "$DEPLOYD_CONF" kept
printf '[app "later"]\nconfine = yes\n' >>"$DEPLOYD_CONF"
ok 'of an app that is not there yet' doctor
like 'as well' "$OUT" '^ok *hooks *confined for: blog later'
cp kept "$DEPLOYD_CONF"
printf '[app "blog"]\nconfine = yes\nwritable = %s\n' "$TMP/nosuch" >"$DEPLOYD_CONF"
fails 1 'with a writable that is missing' doctor
like 'they do not run' "$OUT" "^fault hooks *those of blog .*$TMP/nosuch: No such file"
unlike 'and are not well' "$OUT" '^ok *hooks'
printf '[app "blog"]\nconfine = yes\n' >"$DEPLOYD_CONF"
missing() {
	"$DEPLOYD" --root "$1" doctor | grep -v '^[a-z]* *account '
	! "$DEPLOYD" --root "$1" doctor | grep -v '^[a-z]* *account ' |
		grep -q '^fault'
}
ok 'a root that is not there yet is no fault' missing "$TMP/missing/root"
like 'the first deploy makes it' "$OUT" \
	"^note *root *$TMP/missing/root is not there: the first deploy makes it"
ok 'it is not made' test ! -e "$TMP/missing"
fails 1 'one that cannot be made is' missing "$TMP/key.pub/root"
like 'is named' "$OUT" "^fault root *$TMP/key.pub/root: Not a directory"
fails 2 'doctor takes no app' "$DEPLOYD" doctor blog

if command -v strace >/dev/null; then
	# lacks NAME CALL ERROR PATTERN
	lacks() {
		strace -f -o strace -e inject="$2:error=$3" "$DEPLOYD" doctor \
			>"$TMP/said" 2>&1
		like "without it $1 is not in force ($3)" "$TMP/said" \
			"$1 *not in force: .*$4"
	}
	lacks openat2 openat2 ENOSYS 'too old.*by hand'
	lacks no_new_privs prctl EINVAL 'too old'
	lacks landlock landlock_create_ruleset ENOSYS 'too old'
	lacks landlock landlock_create_ruleset EOPNOTSUPP 'switched off'
	lacks landlock landlock_create_ruleset EPERM 'container'
	lacks seccomp seccomp EINVAL 'too old'
	strace -f -o strace -e inject=landlock_create_ruleset:error=ENOSYS \
		"$DEPLOYD" doctor >"$TMP/said" 2>&1
	like 'without Landlock no confined hook can run' "$TMP/said" \
		'^fault *hooks .*Landlock: blog'
else
	skip 'what a kernel lacks' 'there is no strace'
fi

# The same by the client.
: >"$DEPLOYD_CONF"
cat >as-nobody <<END
#!/bin/sh
exec $DEPLOYD "\$@" --allow read
END
chmod 755 as-nobody
"$DEPLOY" doctor local:blog >"$TMP/said" 2>&1
is 'deploy doctor says what deployd doctor says' "$(
	grep -v ' free' "$TMP/said")" "$("$DEPLOYD" doctor | grep -v ' free')"
chmod 777 "$DEPLOYD_ROOT"
fails 1 'a fault there is the exit status' "$DEPLOY" doctor local:blog
like 'it is named' "$OUT" '^fault root'
ok 'with --json' sh -c '"$0" --json doctor local:blog; test $? = 1' "$DEPLOY"
like 'each is an event' "$OUT" \
	'"event": *"finding".*"name": *"root".*"state": *"fault"'
chmod 755 "$DEPLOYD_ROOT"
"$DEPLOY" doctor local:nosuchapp >"$TMP/said" 2>&1
like 'it needs no app' "$TMP/said" '^ok *landlock|landlock *not in force'
fails 4 'it needs admin' "$DEPLOY" --deployd="$TMP/as-nobody" doctor local:blog
like 'which is said' "$OUT" 'not authorised to do that to blog: it takes `admin.'

# For cron.
printf '[deployd]\nreserve = 0\ndurability = relaxed\n' >"$DEPLOYD_CONF"
chmod 600 "$DEPLOYD_CONF"
"$DEPLOY" -q doctor local:blog >"$TMP/out" 2>&1
unlike 'deploy -q doctor prints no more than faults' "$TMP/out" '^(ok|note)'
chmod 666 "$DEPLOYD_CONF"
fails 1 'of which it has one' "$DEPLOY" -q doctor local:blog
like 'that' "$OUT" '^fault *conf'
chmod 600 "$DEPLOYD_CONF"

done_testing
