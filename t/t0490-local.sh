#!/bin/sh
# [local] before, and remotes with a directory of their own.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

mkdir site
cd site || exit 1
echo 'Hello' >page.txt
cat >deploy.conf <<'END'
[app]
dir = public
[local]
before = mkdir -p public
before = sed 's/.*/<p>&<\/p>/' page.txt >public/index.html; echo made
[remote "production"]
url = local:site
END
ok 'a tree that is made before it is deployed' "$DEPLOY"
like 'the commands are echoed' "$OUT" '^\+ mkdir -p public'
is 'it arrives' "$(cat "$DEPLOYD_ROOT/site/current/index.html")" '<p>Hello</p>'
echo 'Hello again' >page.txt
ok 'a dry run makes it too' "$DEPLOY" -n
like 'and compares it' "$OUT" '^M index.html'
"$DEPLOY" -n 2>/dev/null >"$TMP/data"
unlike 'standard output is for data' "$TMP/data" made
ok 'status does not' "$DEPLOY" status
unlike 'run it' "$OUT" made
rm -rf public
ok 'nor does it need the tree' "$DEPLOY" releases
ok 'the change is deployed' "$DEPLOY" -q
is 'silently with -q' "$(cat "$OUT")" ''
sed 's/; echo made/; echo made >\&2/' deploy.conf >"$TMP/conf"
cp "$TMP/conf" deploy.conf
ok 'with -q what it says is nothing' "$DEPLOY" -q
is 'on standard error either' "$(cat "$OUT")" ''
sed 's/echo made.*/echo why >\&2; exit 3/' deploy.conf >"$TMP/conf"
cp "$TMP/conf" deploy.conf
fails 1 'unless it fails' "$DEPLOY" -q
like 'then it is shown' "$OUT" '^why'

cat >has <<'END'
has=$(for fd in /proc/self/fd/*; do
	[ ! -e "$fd" ] || echo "${fd##*/}"
done)
echo $has >has.out
END
sed 's/echo why.*/. .\/has/' deploy.conf >"$TMP/conf"
cp "$TMP/conf" deploy.conf
ok 'a command' "$DEPLOY" --rebuild 7<page.txt
is 'has three streams open' "$(cat has.out)" '0 1 2'

first=$(live site)
sed 's/\. .*has$/exit 3/' deploy.conf >"$TMP/conf" && cp "$TMP/conf" deploy.conf
fails 1 'one that fails' "$DEPLOY"
like 'is named' "$OUT" "before failed: .*exited with 3"
is 'nothing was changed' "$(live site)" "$first"
tar -cf "$TMP/a.tar" page.txt
ok 'with an archive it is not run' "$DEPLOY" --tar="$TMP/a.tar"
printf '[local]\nbefore =\n' >deploy.conf
fails 1 'an empty command' "$DEPLOY" local:site
like 'is an error with its line' "$OUT" 'deploy.conf:2: before is a command'

# One repository, three services.
mkdir -p "$TMP/mono/services"
cd "$TMP/mono" || exit 1
for app in api web worker; do
	mkdir "services/$app"
	echo "$app" >"services/$app/name"
done
cat >deploy.conf <<'END'
[remote "api"]
url = local:api
dir = services/api
[remote "web"]
url = local:web
dir = services/web
[remote "worker"]
url = local:worker
dir = services/worker
[hooks]
build = test -f name; echo "$DEPLOY_APP $DEPLOY_REMOTE" >built
END
pipeline() {
	for app in api web worker; do
		"$DEPLOY" $app || return
	done
}
ok 'all services' pipeline
is 'each has its own directory' "$(cat "$DEPLOYD_ROOT/web/current/name")" web
is 'and is built as itself' "$(cat "$DEPLOYD_ROOT/worker/current/built")" \
	'worker worker'
echo changed >services/web/name
ok 'all of them again' pipeline
is 'those that did not change are left alone' \
	"$(grep -c unchanged "$OUT")" 2
like 'the one that did is deployed' "$OUT" 'deployed web'
(cd services/web && "$DEPLOY" web) >"$TMP/out" 2>&1
like 'from within a service' "$TMP/out" "deploying $TMP/mono/services/web to local:web"
ok "a remote's url" "$DEPLOY" local:worker
like 'is that remote, with its directory' "$OUT" 'services/worker to local:worker'
fails 2 'a mistyped verb with a word behind it' "$DEPLOY" rollbak web
like 'is named' "$OUT" "'rollbak' is neither"
fails 2 'two services at once' "$DEPLOY" -t api -t web
like 'are different directories' "$OUT" 'different directories'
sed 's/worker$/nowhere/' deploy.conf >"$TMP/conf" && cp "$TMP/conf" deploy.conf
fails 1 'a directory that is not there' "$DEPLOY" worker
like 'is named with its line' "$OUT" 'deploy.conf:9: dir: '

done_testing
