#!/bin/sh
# deployd authorize: whose key may do what, and nothing that is given can
# become more than that.
# shellcheck disable=SC2016 # what a shell would make of it is the point
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/sshd.sh"

sshd_available || skip_all 'OpenSSH is not installed'
sshd_setup || skip_all 'ssh-keygen failed'
keys=$HOME/.ssh/authorized_keys
ann=$SSH_DIR/id_ed25519.pub bob=$SSH_DIR/id_ecdsa.pub rsa=$SSH_DIR/id_rsa.pub
print() {
	ssh-keygen -lf "$1" | cut -d ' ' -f 2
}
# The same as a pattern.
printed() {
	print "$1" | sed 's/[+]/[+]/g'
}

authorize() {
	"$DEPLOYD" authorize "$@"
}
give() {
	give_key=$1
	shift
	authorize "$give_key" --app blog --allow deploy,read --as ann "$@"
}

# What is written.
ok 'a key is authorized' give "$ann"
like 'which is said, with the line' "$OUT" 'ann may use blog.*by line 1 of '
is 'the line is the manual'"'"'s' "$(cat "$keys")" \
	"restrict,command=\"$DEPLOYD --serve --app blog --allow deploy,read --as ann\" $(cat "$ann")"
is 'the directory and the file are private' \
	"$(stat -c %a "$HOME/.ssh" "$keys" | tr '\n' ' ')" '700 600 '
fails 4 'the same key is refused' give "$ann" --hooks none
like 'and its line named' "$OUT" 'line 1 of .*authorized_keys has this key'
like 'with what to do' "$OUT" '--replace'
ok '--replace puts another line in its place' give "$ann" --hooks none --replace
is 'there is still one' "$(wc -l <"$keys")" 1
like 'the new one' "$keys" '--as ann --hooks none" ssh-ed25519'
from_input() {
	authorize - --app=blog,shop --allow=read --as=bob@work <"$bob"
}
ok 'standard input is read' from_input
ok 'a root is passed on' authorize "$rsa" --app site --allow read,admin \
	--as ci-1 --root "$TMP/srv"
like 'into the command' "$keys" "--serve --root $TMP/srv --app site "

# What is there.
ok '--list' authorize --list
like 'has fingerprint, name, app and groups' "$OUT" \
	"^$(printed "$ann")  ann  *blog  *deploy,read  hooks none\$"
like 'of each key' "$OUT" "^$(printed "$bob")  bob@work  *blog,shop  *read\$"
ssh-keygen -q -t ed25519 -N '' -C admin -f admin
ssh-keygen -q -t ed25519 -N '' -C odd -f odd
cp "$keys" before
{
	echo '# the admins'
	echo
	printf 'from="10.0.0.*,*.x",no-pty '
	cat admin.pub
	echo 'what is this'
	printf 'command="deployd --serve --alow read --as eve",restrict '
	cat odd.pub
	printf 'ssh-rsa AAAA no newline'
} >>"$keys"
cp "$keys" mixed
chmod 644 "$keys"
ok '--list again' authorize --list
like 'tells what is not limited' "$OUT" \
	"^$(printed admin.pub)  admin  *not limited to deployd"
printf '%s \033]0;x\007\n' "$(cut -d ' ' -f 1,2 admin.pub)" >"$keys"
ok '--list of a comment that would steer a terminal' authorize --list
like 'shows it escaped' "$OUT" '\\x1b\]0;x\\x07  *not limited to deployd'
cp mixed "$keys"
ok '--list once more' authorize --list
like 'and what deployd would not take' "$OUT" \
	"^$(printed odd.pub)  eve  *nothing: deployd does not know \`--alow'"
fails 2 'nor does it' "$DEPLOYD" --serve --alow read
is 'which it says last' "$(tail -n 1 "$OUT")" "deployd: it takes no \`--alow'"

# Nothing else is touched.
ssh-keygen -q -t ed25519 -N '' -C new -f new
ok 'one more' authorize new.pub --app blog --allow run --as new
is 'the file begins as it was' \
	"$(head -c "$(wc -c <mixed)" "$keys" | cmp - mixed && echo same)" same
is 'and ends with the new line alone' "$(tail -n 1 "$keys" | cut -c 1-17)" \
	'restrict,command='
is 'its mode stays' "$(stat -c %a "$keys")" 644
chmod 600 "$keys"
is 'nothing else is in ~/.ssh' "$(ls "$HOME/.ssh")" authorized_keys
ok 'a name is removed' authorize --remove new
like 'which is said' "$OUT" 'removed line 10'
{
	cat mixed
	echo
} >want
ok 'and only that' cmp want "$keys"
ok 'a fingerprint is removed' authorize --remove "$(print "$bob")"
unlike 'and gone' "$keys" bob@work
fails 1 'what is not there is said' authorize --remove bob@work
like 'and where to look' "$OUT" '--list'
fails 4 'a key that can log in is left alone' \
	authorize --remove "$(print admin.pub)"
like 'and why' "$OUT" 'line 5 of .* not limited to deployd'
ok 'two keys of one name' authorize new.pub --app blog --allow run --as ann
ok 'go together' authorize --remove ann
unlike 'both' "$keys" '--as ann'

# Several at a time.
rm "$keys"
for n in 1 2 3 4 5 6; do
	ssh-keygen -q -t ed25519 -N '' -C "k$n" -f "k$n"
done
crowd() {
	for n in 1 2 3 4 5 6; do
		authorize "k$n.pub" --app blog --allow read --as "k$n" &
	done
	wait
	[ "$(wc -l <"$keys")" -eq 6 ] && [ "$(sort -u "$keys" | wc -l)" -eq 6 ]
}
ok 'six at a time all get in' crowd

# Nothing breaks out of the quotes.
rm "$keys"
: >"$TMP/untouched"
n=0
for name in '' 'a b' 'a"b' 'a\b' "a'b" 'a$b' '$(touch pwned)' '`touch pwned`' \
	'a;b' 'a&b' 'a|b' 'a>b' 'a,b' 'a=b' 'a*' '~a' '#a' '-a' '.a' '@' \
	'a
b' 'a	b' 'a"b,command="sh' 'grüße' "$(printf 'a\001b')" \
	"$(printf 'a\177b')" "$(printf 'a\rb')" "$(printf 'x%.0s' $(seq 65))"; do
	n=$((n + 1))
	fails 2 "bad name $n" authorize "$ann" --app blog --allow read \
		--as "$name"
done
like 'a bad name is explained' "$OUT" 'is no name of up to'
for app in '' ',' 'a b' 'a"b' 'Blog' '../x' 'a/b' 'a,b c' 'a,$(x)' 'a
b' '--serve'; do
	n=$((n + 1))
	fails 2 "bad app $n" authorize "$ann" --app "$app" --allow read --as ann
done
for group in '' everything 'read deploy' 'read"' 'read,deploy;x' '*'; do
	n=$((n + 1))
	fails 2 "bad group $n" authorize "$ann" --app blog --allow "$group" \
		--as ann
done
fails 2 '--hooks takes none only' give "$ann" --hooks tree
for root in srv '/a b' '/a"b' '/a$b' "/a'b" '/ü' '/a
b'; do
	n=$((n + 1))
	fails 1 "bad root $n" give "$ann" --root "$root"
done
ln "$DEPLOYD" "$TMP/dep loyd" 2>/dev/null || cp "$DEPLOYD" "$TMP/dep loyd"
fails 1 'deployd with a blank in its path' "$TMP/dep loyd" authorize "$ann" \
	--app blog --allow read --as ann
like 'is told so' "$OUT" "deployd's path is in the way"
is 'of all that nothing is left' "$(ls "$HOME/.ssh")" ''
for option in app allow as; do
	case $option in
	app) set -- --allow read --as ann ;;
	allow) set -- --app blog --as ann ;;
	as) set -- --app blog --allow read ;;
	esac
	fails 2 "--$option is needed" authorize "$ann" "$@"
	like 'and shown' "$OUT" 'deployd authorize .*--as ann'
done
fails 2 'a file is needed' authorize --app blog --allow read --as ann
fails 2 '--list stands alone' authorize --list --app blog
fails 2 'so does --remove' authorize --remove ann --list
fails 2 'with --serve it makes no sense' "$DEPLOYD" --serve --list

# What is no public key.
bad() {
	bad_name=$1 bad_pattern=$2
	fails 1 "$bad_name" give bad.pub
	like 'and said' "$OUT" "$bad_pattern"
}
cat "$SSH_DIR/id_ed25519" >bad.pub
bad 'a private key is refused' 'private key.*nobody'
like 'with what to give instead' "$OUT" '\.pub'
unlike 'and not shown' "$OUT" "$(sed -n 3p "$SSH_DIR/id_ed25519")"
printf 'PuTTY-User-Key-File-3: ssh-ed25519\n' >bad.pub
bad 'one of PuTTY too' private
ssh-keygen -e -f "$ann" >bad.pub
bad 'another form has a hint' 'ssh-keygen -i'
cat /dev/null >bad.pub
bad 'nothing' 'it has no key'
echo '# only a comment' >bad.pub
bad 'a comment' 'it has no key'
echo 'hello' >bad.pub
bad 'a word' 'no public key'
cat "$ann" "$bob" >bad.pub
bad 'two keys' 'more than one key'
printf 'command="sh" %s\n' "$(cat "$ann")" >bad.pub
bad 'options' 'options in front'
printf 'cert-authority %s\n' "$(cat "$ann")" >bad.pub
bad 'an authority' 'options'
cut -c 1-60 "$ann" >bad.pub
bad 'half a key' 'cut off'
printf 'ssh-rsa %s\n' "$(cut -d ' ' -f 2 "$ann")" >bad.pub
bad 'another type' 'no public key'
printf '%s\033[2J\n' "$(cat "$ann")" >bad.pub
bad 'an escape code' 'control character'
ssh-keygen -q -t ed25519 -N '' -f ca
cp k1.pub signed.pub
ssh-keygen -q -s ca -I x -n x signed.pub
cat signed-cert.pub >bad.pub
bad 'a certificate' certificate
fails 1 'a file that is not there' give none.pub
like 'is named' "$OUT" 'none.pub'
is 'nothing was written' "$(cat "$keys" 2>/dev/null)" ''
sed 's/$/\r/' "$ann" >dos.pub
ok 'a file from Windows' give dos.pub
unlike 'loses its carriage returns' "$keys" "$(printf '\r')"
rm "$keys"
{
	echo '# mine'
	echo
	cat "$ann"
} >commented.pub
ok 'comments and empty lines around it are passed over' give commented.pub
rm "$keys"

# Files that are not ours to replace.
ln -s elsewhere "$keys"
fails 4 'a symbolic link is left alone' give "$ann"
ok 'and stays' test -L "$keys"
rm "$keys"
printf 'a\0b\n' >"$keys"
fails 4 'so is a file with a NUL' give "$ann"
rm "$keys"
chmod 775 "$HOME"
ok 'a home that others write to' give "$ann"
like 'is warned of' "$OUT" 'sshd may ignore'
chmod 755 "$HOME"
rm -r "$HOME/.ssh"
if [ "$(id -u)" -eq 0 ]; then
	chown 64123 "$HOME"
	fails 4 'the home of another account' give "$ann"
	like 'says how to run it' "$OUT" 'sudo -H -u'
	chown 0 "$HOME"
else
	skip 'the home of another account' 'takes root'
fi

# A real sshd takes it as it was meant.
echo "AuthorizedKeysFile $keys" >conf
sed '/^AuthorizedKeysFile/d' "$SSH_DIR/sshd_config" >>conf
cp conf "$SSH_DIR/sshd_config"
ok 'a key for one app' authorize "$ann" --app blog --allow deploy,rollback,read \
	--as ann --root "$DEPLOYD_ROOT"
ok 'one without hooks' authorize "$bob" --app blog --allow deploy,read \
	--as bob --hooks none --root "$DEPLOYD_ROOT"
if sshd_start; then
	mkdir app
	echo one >app/one
	printf '[hooks]\nrestart = echo ran >"$DEPLOY_SHARED_DIR/ran"\n' \
		>app/deploy.conf
	by() {
		by_type=$1
		shift
		forgetful "$DEPLOY" -F "$SSH_CONFIG" -C app "$@" \
			"target-$by_type:$app"
	}
	app=blog
	ran=$DEPLOYD_ROOT/blog/shared/ran
	mkdir -p "$DEPLOYD_ROOT/blog/shared"
	ok 'without hooks it deploys' by ecdsa
	like 'and says so' "$OUT" 'hooks of deploy.conf do not run'
	ok 'no hook ran' test ! -e "$ran"
	like 'the history has the name' "$DEPLOYD_ROOT/blog/.deployd/history" bob
	ok 'the same once more is the same' by ecdsa
	like 'which is said' "$OUT" 'already|nothing'
	ok 'who may run hooks deploys it anew' by ed25519
	ok 'and they ran' test -e "$ran"
	rm "$ran"
	echo two >app/one
	ok 'a release without' by ecdsa
	echo three >app/one
	ok 'and one after it' by ed25519
	rm -f "$ran"
	ok 'a rollback to it' by ed25519 rollback
	ok 'runs none either: they were not looked at' test ! -e "$ran"
	# What has to be repeated cannot be without hooks.
	echo four >app/one
	ok 'one with hooks' by ed25519
	own=$DEPLOYD_ROOT/blog/.deployd
	record=$own/records/$(live blog)
	grep -v '^checked' "$record" >"$TMP/record"
	cat "$TMP/record" >"$record"
	fails 4 'a check that is missing is for somebody else' by ecdsa
	like 'who is told' "$OUT" 'hooks that have to run.*--hooks none'
	ok 'who does it' by ed25519
	grep -n switching "$own/history" | tail -n 1 | cut -d : -f 1 >line
	head -n "$(cat line)" "$own/history" >history
	cat history >"$own/history"
	echo five >app/one
	fails 4 'a switch that was cut off too' by ecdsa
	like 'which is said' "$OUT" 'hooks that have to run'
	ok 'and it is finished by who may' by ed25519
	app=shop
	fails 4 'another app is refused' by ed25519
	app=blog
	fails 4 'and what is not in --allow' by ecdsa rollback
	no_shell() {
		ssh -F "$SSH_CONFIG" target-ed25519 'echo pwned' </dev/null
	}
	tap_run no_shell
	unlike 'no other command is run' "$OUT" '^pwned'
	# Nor does what is asked for loosen anything.
	while read -r words; do
		printf 'deploy-protocol 1\nhello 10\nversion 1\nask 21\n%s\n' \
			'verb status
app shop' | ssh -F "$SSH_CONFIG" target-ed25519 "$words" 2>&1
	done >"$TMP/asked" <<-'END'
		deployd --serve
		deployd --serve --app shop --allow read,admin
		deployd --help
		deployd authorize --list
		DEPLOYD_CONF=/dev/null deployd --serve
	END
	is 'whatever is asked for, it is the forced command' \
		"$(grep -ac 'not authorised' "$TMP/asked")" 5
else
	skip 'by a real sshd' 'it does not start here'
fi

done_testing
