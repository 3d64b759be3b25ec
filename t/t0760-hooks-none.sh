#!/bin/sh
# What a key that brings no hooks can reach: neither the admin's commands by
# way of variables, nor a release whose hooks would have to run.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

history=$DEPLOYD_ROOT/blog/.deployd/history
ran=$TMP/ran

# limited OPTIONS -- WORDS: deploy with a key that has these options.
limited() {
	printf '#!/bin/sh\nexec "%s" "$@"' "$DEPLOYD" >"$TMP/limited"
	while [ "$1" != -- ]; do
		printf ' %s' "$1" >>"$TMP/limited"
		shift
	done
	shift
	chmod 755 "$TMP/limited"
	"$DEPLOY" --deployd="$TMP/limited" "$@"
}
give() {
	give_value=$1
	shift
	printf '%s' "$give_value" | "$@"
}
# newest APP: the ID of its last release.
newest() {
	basename "$(find "$DEPLOYD_ROOT/$1/releases" -mindepth 1 -maxdepth 1 |
		sort | tail -n 1)"
}

# The admin's hooks, and a program of the client's by the name of theirs.
mkdir app
printf '#!/bin/sh\necho client >>%s\n' "$ran" >app/sleep
printf 'echo client >>%s\n' "$ran" >app/startup
chmod 755 app/sleep
cat >"$DEPLOYD_CONF" <<END
[app "blog"]
hooks = server
build = echo "build \$SECRET" >>$ran
restart = sleep 0; echo "restart \$SECRET \$DEPLOY_APP" >>$ran
END
ok 'with hooks = server' limited --allow deploy,env -- local:blog app
for pair in "PATH=$DEPLOYD_ROOT/blog/current:/usr/bin:/bin" \
	"BASH_ENV=$DEPLOYD_ROOT/blog/current/startup" \
	"ENV=$DEPLOYD_ROOT/blog/current/startup" SECRET=known; do
	ok "${pair%%=*} may be set" give "${pair#*=}" \
		limited --allow deploy,env -- env set local:blog "${pair%%=*}"
done
: >"$ran"
echo two >app/page
ok 'a deploy' limited --allow deploy,env -- local:blog app
is "has nothing of them in the admin's hooks" "$(cat "$ran")" 'build 
restart  blog'
: >"$ran"
ok 'nor has a restart' "$DEPLOY" restart local:blog
is 'anything' "$(cat "$ran")" 'restart  blog'

# --hooks none and variables.
fails 4 '--hooks none may not set variables' give x \
	limited --allow env --hooks none -- env set local:blog PATH
like 'which is said' "$OUT" 'has --hooks none, and may not change variables'
like 'with what to do' "$OUT" 'somebody with another key'
fails 4 'nor unset' limited --allow env --hooks none -- env unset local:blog PATH
ok 'but list' limited --allow env --hooks none -- env list local:blog
like 'nothing was changed' "$OUT" '^PATH$'

# The admin's hooks are not to be skipped either.
sleep 1
echo three >app/page
ok 'built and not activated' "$DEPLOY" --no-activate local:blog app
fails 4 'is not activated past them' limited --allow rollback,read \
	--hooks none -- activate local:blog "$(newest blog)"
fails 4 'nor is gone back' \
	limited --allow rollback,read --hooks none -- rollback local:blog
like 'which is said' "$OUT" 'has hooks that have to run.*--hooks none'

# Those of the tree.
: >"$DEPLOYD_CONF"
rm -rf "$DEPLOYD_ROOT/blog"
cat >app/deploy.conf <<END
[hooks]
migrate = echo migrate >>$ran
restart = echo restart >>$ran
check = true
END
echo one >app/page
ok 'the first' "$DEPLOY" local:blog app
sleep 1
echo two >app/page
ok 'another' "$DEPLOY" --no-activate local:blog app
staged=$(newest blog)
before=$(live blog)
record=$DEPLOYD_ROOT/blog/.deployd/records/$staged
cp "$record" "$TMP/record"
: >"$ran"
fails 4 'activate with --hooks none' limited --allow rollback,read \
	--hooks none -- activate local:blog "$staged"
like 'says why' "$OUT" "$staged has hooks that have to run"
is 'it was not switched' "$(live blog)" "$before"
ok 'nor recorded as gone well' cmp "$record" "$TMP/record"
is 'no hook ran' "$(cat "$ran")" ''
ok 'who may run hooks activates it' "$DEPLOY" activate local:blog "$staged"
is 'with all of them' "$(tr '\n' ' ' <"$ran")" 'migrate restart '
fails 4 'rollback with --hooks none' limited --allow rollback,read \
	--hooks none -- rollback local:blog
is 'what is live stays' "$(live blog)" "$staged"

# [service] alone has to be restarted too.
mkdir plain
printf '[service]\nunit = plain\n' >plain/deploy.conf
echo zero >plain/page
ok 'a service, not activated' "$DEPLOY" --no-activate local:plain plain
fails 4 'is not activated' limited --allow rollback,read --hooks none -- \
	activate local:plain "$(newest plain)"

# What came without hooks, or has none, is anybody's.
rm plain/deploy.conf
echo one >plain/page
ok 'a tree without hooks' "$DEPLOY" local:free plain
echo two >plain/page
ok 'another' "$DEPLOY" local:free plain
ok 'is rolled back' limited --allow rollback,read --hooks none -- \
	rollback local:free
sleep 1
echo three >app/page
ok 'one deployed with --hooks none' limited --allow deploy --hooks none -- \
	--no-activate local:blog app
id=$(newest blog)
ok 'is activated so' limited --allow rollback,read --hooks none -- \
	activate local:blog "$id"
like 'and is in the history' "$history" " live $id "

# A fifo in the place of the env file.
rm -f "$DEPLOYD_ROOT/blog/env"
mkfifo "$DEPLOYD_ROOT/blog/env"
echo four >app/page
fails 4 'a fifo is not waited for' timeout 30 "$DEPLOY" local:blog app
like 'but refused' "$OUT" 'blog/env is not a regular file'
rm "$DEPLOYD_ROOT/blog/env"
echo 'SECRET=linked' >"$TMP/elsewhere"
ln -s "$TMP/elsewhere" "$DEPLOYD_ROOT/blog/env"
ok 'a link to a file is read' "$DEPLOY" local:blog app

# remove keeps the link.
ok 'remove' "$DEPLOY" remove local:blog --confirm=blog
like 'says what is not kept' "$OUT" 'env is a symbolic link: .*neither kept nor removed'
is 'what it led to stays' "$(cat "$TMP/elsewhere")" 'SECRET=linked'

done_testing
