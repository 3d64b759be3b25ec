#!/bin/sh
# A release is made live with the hooks that it came with, or not at all.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
own=$DEPLOYD_ROOT/blog/.deployd
make_tree app
# settings WORD: its hooks say that word.
settings() {
	printf '[hooks]\nrestart = echo %s >>%s/ran\n' "$1" "$TMP" >app/deploy.conf
}
settings first
ok 'a release' "$DEPLOY" local:blog app
first=$(live blog)
settings second
echo 2 >app/one
ok 'another, with other hooks' "$DEPLOY" local:blog app
second=$(live blog)
cp -a "$own/records" kept
restore() {
	cp -a kept/. "$own/records/"
	: >ran
}
# refused HOW ID COMMAND...
refused() {
	refused_how=$1
	refused_id=$2
	shift 2
	: >ran
	fails 4 "$refused_how: $*" "$@"
	like 'it is said why' "$OUT" "the settings of $refused_id are $refused_how"
	like 'and what to do' "$OUT" 'deploy fsck .* with --rebuild'
	is 'no hook ran' "$(cat ran)" ''
}
# all HOW: every verb that would run hooks of a release.
all() {
	refused "$1" "$first" "$DEPLOY" rollback local:blog
	refused "$1" "$first" "$DEPLOYD" rollback blog
	refused "$1" "$first" "$DEPLOY" activate local:blog "$first"
	is 'nothing was switched' "$(live blog)" "$second"
	refused "$1" "$second" "$DEPLOY" restart local:blog
	refused "$1" "$second" "$DEPLOY" run local:blog -- true
}
rm "$own/records/"*.settings
all gone
ok 'a deploy is not kept from it' "$DEPLOY" --rebuild local:blog app
third=$(live blog)
ok 'nor a rollback of that' "$DEPLOY" rollback --expect="$third" local:blog "$third"
fails 4 'but one to what is damaged' "$DEPLOY" rollback local:blog
rm -rf "$DEPLOYD_ROOT/blog/releases/$third"
ln -sfn "releases/$second" "$DEPLOYD_ROOT/blog/current"
rm "$own/records/$third"*
restore
for id in "$first" "$second"; do
	sed -i 's/echo /echo OTHER/' "$own/records/$id.settings"
done
all 'not what it came with'
restore
ok 'once they are right it is rolled back' "$DEPLOY" rollback local:blog
is 'with its own hooks' "$(cat ran)" first

# The admin's hooks are not in it.
printf '[app "blog"]\nhooks = server\nrestart = echo admin >>%s/ran\n' "$TMP" >>"$DEPLOYD_CONF"
rm "$own/records/"*.settings
: >ran
ok 'where the admin has set the hooks nothing depends on it' \
	"$DEPLOY" activate local:blog "$second"
is 'and those run' "$(cat ran)" admin
restore

# Without the manifest a release still runs; it only cannot be verified.
manifest=$(sed -n 's/^manifest //p' "$own/records/$first")
cp "$own/manifests/$manifest" manifest
echo x >>"$own/manifests/$manifest"
ok 'a release whose manifest is damaged can be gone back to' \
	"$DEPLOY" rollback local:blog "$first"
like 'which is said' "$OUT" "$first cannot be verified: its manifest is damaged"
rm "$own/manifests/$manifest"
ok 'also by the admin' "$DEPLOYD" rollback blog "$second"
unlike 'of another it is not' "$OUT" 'cannot be verified'
ok 'and with none' "$DEPLOYD" rollback blog "$first"
like 'which is said' "$OUT" "$first cannot be verified: its manifest is gone"
done_testing
