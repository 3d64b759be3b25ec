#!/bin/sh
# Confined hooks where the store and the home are below /tmp, which hooks may
# write elsewhere; and what they may do to other processes.
TMPDIR=/tmp
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

mkdir -p app "$HOME/.ssh" "$DEPLOYD_ROOT/other"
echo '[app "blog"]
confine = yes' >"$DEPLOYD_CONF"
cat >app/probe <<END
#!/bin/sh
can() {
	what=\$1
	shift
	if "\$@" 2>/dev/null; then echo "can \$what"; else echo "cannot \$what"; fi
}
write() { echo x >"\$1"; }
can 'write its release' write made
can 'write in /tmp' write $TMP/made
can 'write at home' write $HOME/.ssh/made
can 'write in another app' write $DEPLOYD_ROOT/other/made
can 'write temporary files' sh -c 'echo x >"\$(mktemp)"'
can 'write in /var/tmp' write /var/tmp/t-deploy.\$\$
rm -f /var/tmp/t-deploy.\$\$
can 'reach its keeper' kill -0 \$PPID
sleep 60 &
can 'end what it began' kill \$!
END
chmod 755 app/probe
printf '[hooks]\nbuild = exec ./probe\n' >app/deploy.conf
"$DEPLOY" local:blog app >"$TMP/said" 2>&1
status=$?
if grep -q 'needs Landlock' "$TMP/said"; then
	skip_all 'there is no Landlock'
fi
is 'a deploy' $status 0
like 'a hook writes its release' "$TMP/said" '^can write its release'
like 'not what is above the store' "$TMP/said" '^cannot write in /tmp'
like 'nor the home' "$TMP/said" '^cannot write at home'
like 'nor other apps' "$TMP/said" '^cannot write in another app'
like 'it has a place for temporary files' "$TMP/said" '^can write temporary'
case $(getent passwd "$(id -u)" | cut -d : -f 6) in
/var/tmp/*) skip 'and another' 'the home is there' ;;
*) like 'and another' "$TMP/said" '^can write in /var/tmp' ;;
esac
like 'it ends what it has begun' "$TMP/said" '^can end what'
version=$("$DEPLOYD" doctor | sed -n 's/^ok *landlock *version \([0-9]*\).*/\1/p')
"$DEPLOYD" doctor >"$TMP/doctor"
if [ "${version:-0}" -ge 6 ]; then
	like 'and nothing else' "$TMP/said" '^cannot reach its keeper'
	unlike 'doctor has no more to say' "$TMP/doctor" 'confined for: blog.*6\.12'
else
	skip 'and nothing else' 'Landlock has no signals here'
	like 'which doctor says' "$TMP/doctor" 'confined for: blog.*6\.12'
fi
done_testing
