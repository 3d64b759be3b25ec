#!/bin/sh
# A store is written, and what it brings is run, by its own account only: root
# at the terminal neither runs hooks that others have sent, nor leaves files
# that would be in the owner's way.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

[ "$(id -u)" -eq 0 ] || skip_all 'only root is anybody else'
command -v setpriv >/dev/null || skip_all 'there is no setpriv'
chmod 755 "$TMP" "$HOME"
chown -R 65534:65534 "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR"
mkdir -m 755 "$DEPLOYD_ROOT"
chown 65534:65534 "$DEPLOYD_ROOT"
owner() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
owner "$DEPLOYD" --version >/dev/null 2>&1 ||
	skip_all 'the program is not there for others'
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
name=$(id -nu 65534)
app=$DEPLOYD_ROOT/blog
cat >ran <<END
#!/bin/sh
id -u >>"$TMP/ran-as"
END
chmod 755 ran
: >ran-as
chmod 666 ran-as
make_tree app
printf '[hooks]\nrestart = %s/ran\ncheck = %s/ran\n' "$TMP" "$TMP" >app/deploy.conf
chown -R 65534:65534 app
ok 'the owner deploys' owner "$DEPLOY" local:blog app
first=$(live blog)
echo 2 >app/one
ok 'twice' owner "$DEPLOY" local:blog app
: >ran-as
state() {
	find "$DEPLOYD_ROOT" -printf '%p %u %y %l %s\n' | LC_ALL=C sort
}
state >before
# set_variable APP
set_variable() {
	echo b | "$DEPLOY" env set "local:$1" A
}
# refused NAME HINT COMMAND...
refused() {
	refused_name=$1
	refused_hint=$2
	shift 2
	fails 4 "root: $refused_name" "$@"
	like 'it is said whose it is' "$OUT" "$app(/.deployd)? belongs to uid 65534, not to us"
	like 'and what to do' "$OUT" "run it as that account: sudo -H -u $name $refused_hint"
}
refused rollback 'deployd rollback blog' "$DEPLOYD" rollback blog
refused 'to a release' 'deployd rollback blog' "$DEPLOYD" rollback blog "$first"
refused prune 'deployd prune blog' "$DEPLOYD" prune blog
refused fsck 'deployd fsck blog' "$DEPLOYD" fsck blog
refused 'a dry run of it' 'deployd fsck blog' "$DEPLOYD" fsck -n blog
refused 'a deploy' 'deploy local:blog' "$DEPLOY" local:blog app
for verb in rollback restart fsck prune logs; do
	refused "$verb, as a client" "deploy $verb local:blog" "$DEPLOY" "$verb" local:blog
done
for verb in activate pin unpin; do
	refused "$verb, as a client" "deploy $verb local:blog" "$DEPLOY" "$verb" local:blog "$first"
done
refused 'run, as a client' 'deploy run local:blog' "$DEPLOY" run local:blog -- id -u
refused 'env set' 'deploy env set local:blog' set_variable blog
refused 'env unset' 'deploy env unset local:blog' "$DEPLOY" env unset local:blog A
refused 'remove' 'deploy remove local:blog' "$DEPLOY" remove local:blog --confirm=blog
fails 4 'root: a new app beside it' "$DEPLOY" local:other app
like 'it is said whose the root is' "$OUT" "$DEPLOYD_ROOT belongs to uid 65534, not to us"
fails 4 'root: variables of a new app' set_variable other
mkdir "$DEPLOYD_ROOT/bare"
chown 65534 "$DEPLOYD_ROOT/bare"
fails 4 'root: a directory that is no app yet' "$DEPLOY" local:bare app
rmdir "$DEPLOYD_ROOT/bare"
is 'no hook ran' "$(cat ran-as)" ''
state >after
is 'nothing was written' "$(diff before after)" ''

# What only reads.
for verb in status releases; do
	ok "root: $verb" "$DEPLOYD" "$verb" blog
	ok 'as a client too' "$DEPLOY" "$verb" local:blog
done
ok 'root: verify' "$DEPLOY" verify local:blog
ok 'root: log' "$DEPLOY" log local:blog
ok 'root: env list' "$DEPLOY" env list local:blog
ok 'root: a dry run' "$DEPLOY" -n local:blog app
state >after
is 'and writes nothing' "$(diff before after)" ''

ok 'the owner rolls back' owner "$DEPLOYD" rollback blog
is 'his hooks run as he' "$(sort -u ran-as)" 65534

# .deployd alone is another's.
chown 0 "$app/.deployd"
refused_own() {
	fails 4 'part of it is another account'"'"'s' "$@"
	like 'which is said' "$OUT" "$app/.deployd belongs to uid 0, $app to uid 65534"
	like 'with what to do' "$OUT" "chown -R $name $app/.deployd"
}
refused_own owner "$DEPLOYD" rollback blog
refused_own owner "$DEPLOYD" fsck blog
chown 65534 "$app/.deployd"
chown 0 "$app"
ok 'the directory around it may be root'"'"'s' owner "$DEPLOYD" prune blog
fails 4 'but not the other way round' "$DEPLOYD" prune blog

# Root's own.
DEPLOYD_ROOT=$TMP/roots
ok 'root deploys to root'"'"'s own' "$DEPLOY" local:blog app
echo 3 >app/one
ok 'twice' "$DEPLOY" local:blog app
ok 'and rolls that back' "$DEPLOYD" rollback blog
done_testing
