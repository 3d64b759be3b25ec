#!/bin/sh
# Guards that save people, limits, authorisation, archives, dry runs.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
cd app || exit 1
i=0
while [ $i -lt 30 ]; do
	echo $i >"f$i"
	i=$((i + 1))
done
printf '[hooks]\nbuild = true\n' >deploy.conf
ok 'to begin with' "$DEPLOY" local:blog
mkdir "$TMP/none" "$TMP/few"
echo x >"$TMP/few/x"
printf '[hooks]\nbuild = true\n' >"$TMP/few/deploy.conf"
cp "$TMP/few/deploy.conf" "$TMP/none"
fails 4 'an empty tree is refused' "$DEPLOY" -C "$TMP/none" local:blog
fails 4 'under a tenth of the files too' "$DEPLOY" -C "$TMP/few" local:blog
like 'with the reason' "$OUT" 'suspicious'
ok 'unless forced' "$DEPLOY" -C "$TMP/few" --force local:blog
ok 'back' "$DEPLOY" --force local:blog
mv deploy.conf "$TMP/conf"
fails 4 'a deploy.conf that vanished is refused' "$DEPLOY" local:blog
mv "$TMP/conf" deploy.conf

# Dry runs.
settle
before=$(listing "$DEPLOYD_ROOT" | sha256sum)
echo new >new
rm f1
echo changed >f2
chmod 755 f3
ok 'a dry run' "$DEPLOY" -n local:blog
like 'added' "$OUT" '^A new'
like 'removed' "$OUT" '^D f1'
like 'changed' "$OUT" '^M f2.*content'
like 'mode' "$OUT" '^M f3.*mode'
like 'exact bytes' "$OUT" '2 files to send, 12 bytes'
ok 'deploy diff is the same' "$DEPLOY" diff local:blog
fails 1 'diff --exit-code' "$DEPLOY" diff --exit-code local:blog
ok 'for an app that is not there' "$DEPLOY" -n local:never
like 'too' "$OUT" '^A new'
after=$(listing "$DEPLOYD_ROOT" | sha256sum)
is 'nothing changed on the server' "$after" "$before"
ok 'then a deploy' "$DEPLOY" local:blog
ok 'and no difference' "$DEPLOY" diff --exit-code local:blog
echo '*.tmp' >.gitignore
echo t >a.tmp
ok 'diff --files' "$DEPLOY" diff --files local:blog
like 'says which rule decided' "$OUT" '^- a.tmp.*\.gitignore:1'
rm .gitignore a.tmp

# Limits.
echo '[limits]' >/dev/null
printf '[deployd]\nmax_files = 10\n' >"$DEPLOYD_CONF"
echo again >new
fails 4 'a limit' "$DEPLOY" local:blog
like 'says which and how to raise it' "$OUT" 'max_files'
printf '[deployd]\nmax_file_size = 100\n' >"$DEPLOYD_CONF"
head -c 200 /dev/zero >large
fails 4 'a file over the limit' "$DEPLOY" local:blog
like 'is named' "$OUT" 'large'
rm large
: >"$DEPLOYD_CONF"

# Authorisation.
restricted() {
	printf '#!/bin/sh\nexec %s --serve %s\n' "$DEPLOYD" "$*" >"$TMP/limited"
	chmod 755 "$TMP/limited"
}
restricted --app shop --allow deploy
fails 4 'another app' "$DEPLOY" --deployd="$TMP/limited" local:blog
ok 'nothing was made' test ! -e "$DEPLOYD_ROOT/shop"
restricted --app blog,shop --allow read
fails 4 'another verb' "$DEPLOY" --deployd="$TMP/limited" local:blog
ok 'one that is allowed' "$DEPLOY" status --deployd="$TMP/limited" local:blog
unlike 'other apps are not named' "$OUT" 'local:other'
restricted --app blog --allow deploy --as bob
ok 'a deploy as bob' "$DEPLOY" --deployd="$TMP/limited" local:blog
like 'is recorded' "$DEPLOYD_ROOT/blog/.deployd/history" 'bob'
fails 4 'bob may not roll back' "$DEPLOY" rollback --deployd="$TMP/limited" local:blog

# Hooks of the server's, or none.
printf '[app "blog"]\nhooks = none\n' >"$DEPLOYD_CONF"
printf '[hooks]\nbuild = echo ran >ran\n' >deploy.conf
ok 'with hooks = none' "$DEPLOY" local:blog
ok 'none runs' test ! -e "$DEPLOYD_ROOT/blog/current/ran"
printf '[app "blog"]\nhooks = server\nbuild = echo server >ran\n' >"$DEPLOYD_CONF"
echo nine >f9
ok 'with hooks = server' "$DEPLOY" local:blog
is "the admin's run" "$(cat "$DEPLOYD_ROOT/blog/current/ran")" server
: >"$DEPLOYD_CONF"

# Archives; without hooks, whose products the release would have.
: >deploy.conf
tar -cf "$TMP/a.tar" --exclude=deploy.conf .
ok 'an archive' "$DEPLOY" --tar="$TMP/a.tar" local:arch
rm -f ran
same_tree 'arrives equal' . arch
ok 'the same archive through a pipe' sh -c \
	"cat '$TMP/a.tar' | '$DEPLOY' --tar=- local:arch"
like 'is no change' "$OUT" 'unchanged arch'

# shared.
cat >deploy.conf <<'END'
[app]
shared = storage/ config/key
END
fails 4 'a missing shared file' "$DEPLOY" local:sh
like 'comes with the command that supplies it' "$OUT" \
	"supply it: cp config/key $DEPLOYD_ROOT/sh/shared/config/key\$"
mkdir -p config
echo given >config/key
ok 'which works as it stands' sh -c \
	"$(sed -n 's/.*supply it: //p' "$OUT")"
rm -r "$DEPLOYD_ROOT/sh" config
mkdir -p config
echo seeded >config/key
ok 'one in the tree seeds it' "$DEPLOY" local:sh
is 'once' "$(cat "$DEPLOYD_ROOT/sh/shared/config/key")" seeded
echo data >"$DEPLOYD_ROOT/sh/current/storage/data"
echo other >config/key
ok 'a later deploy' "$DEPLOY" local:sh
like 'warns of it' "$OUT" 'config/key is shared'
is 'what is shared stays' "$(cat "$DEPLOYD_ROOT/sh/current/config/key")" seeded
is 'directories outlive releases' "$(cat "$DEPLOYD_ROOT/sh/current/storage/data")" data
same_app=$DEPLOYD_ROOT/sh
ok 'the links are relative' sh -c \
	"readlink '$same_app/current/config/key' | grep -qx '../../../shared/config/key'"

done_testing
