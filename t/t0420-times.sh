#!/bin/sh
# A real make in carried build products rebuilds exactly what it must.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

command -v make >/dev/null || skip_all 'there is no make'
mkdir app
cd app || exit 1
printf 'v1\n' >a.src
printf 'v1\n' >b.src
cat >Makefile <<'END'
all: out/a out/b
out/%: %.src
	@mkdir -p out
	@echo made $@
	@cp $< $@
END
cat >deploy.conf <<'END'
[app]
carry = out
[hooks]
build = make
check = ! grep -q BAD a.src
check_timeout = 1
END
echo out >.gitignore
binary() {
	cat "$DEPLOYD_ROOT/m/current/out/a" "$DEPLOYD_ROOT/m/current/out/b" |
		tr '\n' ' '
}
made() {
	grep -c '^made' "$OUT"
}

ok 'the first build' "$DEPLOY" local:m
is 'makes both' "$(made)" 2

echo v2 >a.src
ok 'an edit' "$DEPLOY" local:m
is 'makes one again' "$(made)" 1
is 'the binaries are right' "$(binary)" 'v2 v1 '

touch a.src b.src
echo note >README
ok 'new mtimes and another file' "$DEPLOY" local:m
is 'make nothing again' "$(made)" 0

echo BAD >a.src
fails 8 'a failed check' "$DEPLOY" local:m
is 'the old binary is live' "$(binary)" 'v2 v1 '
echo v2 >a.src
echo note2 >README
ok 'then a revert' "$DEPLOY" local:m
is 'gives the right binary' "$(binary)" 'v2 v1 '

echo v3 >a.src
ok 'a deploy' "$DEPLOY" local:m
ok 'rolled back' "$DEPLOY" rollback local:m
echo v2 >a.src
echo note3 >README
ok 'then the old source with something new' "$DEPLOY" local:m
is 'gives the right binary then' "$(binary)" 'v2 v1 '

cat >"$TMP/cut" <<END
#!/bin/sh
exec $BUILD/t/lib/slowlink -u 1000000 $DEPLOYD "\$@"
END
chmod 755 "$TMP/cut"
# An upload that was cut and resumed after another build happened.
cp -R . "$TMP/other"
echo v4 >b.src
head -c 3000000 /dev/urandom >zz-large
fails 6 'an upload that is cut' "$DEPLOY" --deployd="$TMP/cut" local:m
(cd "$TMP/other" && echo note4 >README && "$DEPLOY" local:m) >/dev/null 2>&1
ok 'resumed after a build in between' "$DEPLOY" local:m
is 'gives the right binary still' "$(binary)" 'v2 v4 '

ok 'a rebuild starts without what was carried' "$DEPLOY" --rebuild local:m
is 'makes both again' "$(made)" 2

# Without anything to build times are as good: caches rely on them.
mkdir "$TMP/plain"
cd "$TMP/plain" || exit 1
echo a >a
echo b >b
ok 'a tree without hooks' "$DEPLOY" local:plain
old=$(cd "$DEPLOYD_ROOT/plain/current/" && stat -c '%n %y' a b)
touch a b
echo b2 >b
ok 'and an edit' "$DEPLOY" local:plain
new=$(cd "$DEPLOYD_ROOT/plain/current/" && stat -c '%n %y' a b)
is 'what did not change keeps its time' "$(echo "$new" | grep '^a')" "$(echo "$old" | grep '^a')"
unlike 'what did change does not' "$(echo "$new" | grep '^b')" "$(echo "$old" | grep '^b')"

done_testing
