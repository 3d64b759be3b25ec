#!/bin/sh
# verify: what of a release is not as it was deployed, and built.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
head -c 300000 /dev/urandom >app/large
i=0
while [ $i -lt 2000 ]; do
	i=$((i + 1))
	echo $i >"app/src/deep/$i"
done
verify() {
	"$DEPLOY" verify "$@" 2>"$TMP/said"
}
ok 'a deploy' "$DEPLOY" local:blog app
current=$DEPLOYD_ROOT/blog/current
ok 'is as deployed' verify local:blog
is 'so no path is printed' "$(cat "$OUT")" ''
like 'it says how much that is' "$TMP/said" "local:blog: $(live blog): as deployed, 2,008 files read"
ok 'silent when asked' "$DEPLOY" -q verify local:blog
is 'it prints nothing at all' "$(cat "$OUT")" ''

# One fault of each kind.
first=$(live blog)
touch -r "$current/one" "$TMP/stamp"
echo onE >"$current/one"
touch -r "$TMP/stamp" "$current/one"
echo longer >>"$current/src/deep/2000"
rm "$current/src/deep/1"
rm "$current/src/two"
mkdir "$current/src/two"
ln -sfn elsewhere "$current/dangling"
chmod 600 "$current/run"
chmod 700 "$current/empty"
rm "$current/src/deep/er/three"
rmdir "$current/src/deep/er"
ln -s /etc "$current/src/deep/er"
mv "$current/a b/it's \"here\" \$HOME" "$current/a b/other"
echo new >"$current/more"
fails 1 'drift' verify local:blog
cat >"$TMP/want" <<'END'
D a b/it's "here" $HOME	missing
M dangling	target
M empty	mode
M one	content
M run	mode
D src/deep/1	missing
M src/deep/2000	content
T src/deep/er	type
D src/deep/er/three	missing
T src/two	type
END
sort -k2 "$TMP/want" >"$TMP/want.sorted"
sort -k2 "$OUT" >"$TMP/got.sorted"
is 'is listed, a path a line' "$(diff "$TMP/want.sorted" "$TMP/got.sorted")" ''
like 'in order' "$(cut -c 3-8 "$OUT" | tr '\n' '|')" '^a b/it\|dangli\|empty.*one.*run.*src/de'
like 'and counted' "$TMP/said" "$first: 10 changed since"
is 'what is there besides is none' "$(grep more "$OUT")" ''
fails 1 'in JSON' "$DEPLOY" --json verify local:blog
like 'each is an event' "$OUT" \
	'"event":"change","target":"local:blog","change":"M","path":"one","how":"content"'
like 'and the status is in the last' "$OUT" '"event":"result","verb":"verify","status":1'
fails 1 'by its ID' verify local:blog "$first"
ok 'a new deploy' "$DEPLOY" --rebuild local:blog app
ok 'is right again' verify local:blog
fails 1 'while the other is not' verify local:blog "$first"
printf '[remote "a"]\nurl = local:blog\nurl = local:blog2\n' >"$TMP/app/deploy.conf"
ok 'two targets' "$DEPLOY" -C app a
rm "$DEPLOYD_ROOT/blog2/current/one"
fails 1 'one of which has drift' "$DEPLOY" -C app verify
like 'names it' "$OUT" '^local:blog2$'
unlike 'and not the other' "$OUT" '^local:blog$'
rm "$TMP/app/deploy.conf"
fails 4 'an unknown release' verify local:blog 19990101
mkdir "$DEPLOYD_ROOT/none"
fails 4 'an app that is not there' verify local:nothing

# A name that a terminal must not get.
mkdir odd
printf 'x' >"odd/$(printf 'a\302\233b')"
ok 'an odd name' "$DEPLOY" local:odd odd
rm "$DEPLOYD_ROOT/odd/current"/*
fails 1 'is escaped' verify local:odd
is 'byte by byte' "$(cat "$OUT")" 'D a\xc2\x9bb	missing'

# Builds, shared and carried paths.
mkdir -p site/storage site/lib site/gone
echo seed >site/storage/seed
echo source >site/lib/source
echo template >site/page
echo tool >site/gone/tool
echo a >site/link
cat >site/deploy.conf <<'END'
[app]
shared = storage/ .env
carry = cache
[hooks]
build = mkdir -p cache; date >>cache/x; echo built >page; rm -r gone lib/source; ln -sf page link; chmod 700 lib
END
mkdir -p "$DEPLOYD_ROOT/site/shared"
"$DEPLOY" -q -C site local:site >/dev/null 2>&1
echo secret >"$DEPLOYD_ROOT/site/shared/.env"
ok 'a build that changes its tree' "$DEPLOY" -C site local:site
ok 'makes no drift' verify local:site
is 'nor do shared and carried paths' "$(cat "$OUT")" ''
ok 'and again, carried' "$DEPLOY" -C site local:site --rebuild
ok 'it makes none' verify local:site
echo more >>"$DEPLOYD_ROOT/site/shared/storage/seed"
ok 'what is shared may change' verify local:site
shared=$DEPLOYD_ROOT/site/shared
mv "$shared/storage" "$shared/.env" "$TMP"
fails 1 'what is shared is gone' verify local:site
is 'all of it' "$(tr '\n' '|' <"$OUT")" 'D storage	shared|D .env	shared|'
echo file >"$shared/storage"
fails 1 'or is no directory' verify local:site
mv -T "$TMP/storage" "$TMP/.storage"
rm "$shared/storage"
mv "$TMP/.storage" "$shared/storage"
mv "$TMP/.env" "$shared"
rm "$DEPLOYD_ROOT/site/current/.env"
echo inside >"$DEPLOYD_ROOT/site/current/.env"
fails 1 'something else is where a shared link was' verify local:site
is 'alone' "$(cat "$OUT")" 'T .env	type'
rm "$DEPLOYD_ROOT/site/current/.env"
fails 1 'or nothing' verify local:site
is 'and that is told' "$(cat "$OUT")" 'D .env	missing'
ln -s ../../shared/.env "$DEPLOYD_ROOT/site/current/.env"
ok 'all is back' verify local:site
current=$DEPLOYD_ROOT/site/current
echo other >"$current/page"
chmod 755 "$current/lib"
fails 1 'what comes after the build is drift' verify local:site
is 'alone' "$(tr '\n' '|' <"$OUT")" 'M lib	mode|M page	content|'
mkdir "$current/gone"
rm "$current/storage"
fails 1 'so is a shared link that is gone' verify local:site
like 'of what the tree has there' "$OUT" '^D storage	missing'

# Modes are what the umask left of them when it was deployed.
printf '[deployd]\numask = 027\n' >"$DEPLOYD_CONF"
ok 'with another umask' "$DEPLOY" local:narrow app
ok 'modes are as they were made' verify local:narrow
: >"$DEPLOYD_CONF"
ok 'whatever it is by then' verify local:narrow

# Keys.
printf '#!/bin/sh\nexec "%s" "$@" --allow deploy\n' "$DEPLOYD" >"$TMP/limited"
chmod 755 "$TMP/limited"
fails 4 'a key that may not read' "$DEPLOY" verify --deployd="$TMP/limited" local:blog
like 'is refused' "$OUT" 'not authorised to do that to blog: it takes `read.'

# A record or manifest that cannot be read.
echo x >>"$DEPLOYD_ROOT/odd/.deployd/records/$(live odd)"
fails 4 'a damaged record' verify local:odd
like 'says where to look' "$TMP/said" 'deployd fsck odd'

done_testing
