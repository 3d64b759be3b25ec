#!/bin/sh
# On a booted machine with real sshd and systemd: the app of contrib/systemd,
# deployed and rolled back under load, broken and rebooted.
# It takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/container.sh"
. "$TOP/t/lib/static.sh"

container_need
static_need
container_make
container_account deploy
home=$CONTAINER/home/deploy
mkdir -p "$home/.local/bin"
cp "$STATIC/deployd" "$home/.local/bin/"
chroot "$CONTAINER" chown -R deploy: /home/deploy
container_boot || skip_all 'systemd-nspawn boots no container here'
container_run loginctl enable-linger deploy

# Retries are for the time after a boot, before the account's units have begun.
page() {
	container_net curl -s -m 20 --retry 20 --retry-connrefused \
		--retry-delay 1 http://127.0.0.1:"$1"/
}

# version N: the app becomes that one, in its program and in its page.
version() {
	sed -i "s/^VERSION = .*/VERSION = \"$1\"/" server.py
	sed -i "s/, page [^,]*,/, page $1,/" page.html
}

cp -R "$TOP/contrib/systemd/app" "$TMP/shop"
cd "$TMP/shop" || exit 1
version 1
sed -i 's/deploy@web1:/vps:/' deploy.conf

install_units() {
	mkdir -p "$home/.config/systemd/user" &&
		cp "$TOP"/contrib/systemd/user/shop.* \
			"$home/.config/systemd/user/" &&
		chroot "$CONTAINER" chown -R deploy: /home/deploy/.config &&
		container_ssh 'systemctl --user daemon-reload &&
			systemctl --user enable --now shop.socket'
}

ok 'the units of the account are installed' install_units
ok 'a first deploy starts the app' container_deploy
ok 'which answers' page 3000
like 'with its page' "$OUT" 'server 1, page 1, release 2'

# summary: of what the hammer saw.
summary() {
	awk '{ total++; if ($1 > slowest) slowest = $1 }
		$2 == "failed" { failed++; print "# " $0 >"/dev/stderr"; next }
		$2 != $3 || ($2 in id && id[$2] != $4) { mixed++ }
		{ id[$2] = $4 }
		END {
			for (version in id)
				releases++
			print total + 0, failed + 0, mixed + 0, releases + 0,
				slowest + 0
		}' "$TMP/answers"
}

hammer_start() {
	spawn "$TMP/answers" nsenter -t "$(container_leader)" -n \
		"$TOP/t/lib/hammer" "$1" 4
	hammer=$PID
}

hammer_stop() {
	kill "$hammer"
	wait "$hammer"
	read -r total failed mixed releases slowest <<END
$(summary)
END
	diag "$total requests, $failed failed, the slowest took $slowest ms;" \
		"$releases releases were seen"
}

# rounds NAME COUNT: each deploy brings a new version, each rollback the one
# before.
rounds() {
	round=1
	while [ "$round" -le "$2" ]; do
		version "$1$round"
		container_deploy || return 1
		container_deploy rollback || return 1
		round=$((round + 1))
	done
}

hammer_start 3000
ok '20 deploys and 20 rollbacks in turn, with requests all the while' \
	rounds v 20
hammer_stop
is 'not one request failed' "$failed" 0
is 'each answer is of one release, never a mix of two' "$mixed" 0
is 'all of them were asked something' "$releases" 21
ok 'there were many requests' test "$total" -gt 500
ok 'and none waited for more than 5 s' test "$slowest" -lt 5000

# A request that is half sent when the restart begins.
# shellcheck disable=SC2016 # perl's
half_request() {
	exec nsenter -t "$(container_leader)" -n perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new("127.0.0.1:3000") or die "connect";
		$s->autoflush(1);
		print $s "GET / HTTP/1.0\r\n";
		sleep 3;
		print $s "\r\n";
		print while <$s>;'
}

release=$(container_ssh readlink apps/shop/current)
spawn "$TMP/half" half_request
sleep 1
version after
ok 'a deploy while a request is under way' container_deploy
wait "$PID"
like 'which the release that took it answers' "$TMP/half" \
	"release ${release#releases/}\$|release ${release#releases/}<"
ok 'the next one' page 3000
like 'is answered by the new release' "$OUT" 'server after, page after'

# A release that dies at its start, and one that its check does not like.
release=$(container_ssh readlink apps/shop/current)
hammer_start 3000
cp server.py "$TMP/good.py"
version dead
echo 'raise SystemExit("no such database")' | cat - "$TMP/good.py" >server.py
fails 8 'a release that cannot start is switched back from' container_deploy
cp "$TMP/good.py" server.py
version wrong
sed -i 's,/health,/nowhere,' server.py
printf 'check_timeout = 1\n' >>deploy.conf
fails 8 'so is one whose check fails' container_deploy
sed -i '/check_timeout/d' deploy.conf
cp "$TMP/good.py" server.py
hammer_stop
is 'and no request failed meanwhile' "$failed" 0
is 'nor was one mixed' "$mixed" 0
is 'the release before is live' "$(container_ssh readlink apps/shop/current)" \
	"$release"

# As a unit of the system, with sudo.
cp -R "$TOP/contrib/systemd/app" "$TMP/system"
cd "$TMP/system" || exit 1
version s0
sed -i -e 's/deploy@web1:shop/vps:system/' -e 's/3000/3001/' \
	-e 's/systemctl --user/sudo systemctl/' deploy.conf
for unit in socket service; do
	sed -e 's/3000/3001/; s,apps/shop,apps/system,g' \
		"$TOP/contrib/systemd/system/shop.$unit" \
		>"$CONTAINER/etc/systemd/system/system.$unit"
done
sed -i 's/shop/system/' deploy.conf "$CONTAINER/etc/systemd/system/system.service"
echo 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart system' \
	>"$CONTAINER/etc/sudoers.d/deploy"
ok 'the units of the system are installed' container_run sh -c \
	'systemctl daemon-reload && systemctl enable --now system.socket'
ok 'a deploy starts the app through sudo' container_deploy

hammer_start 3001
ok 'deploys and rollbacks of it' rounds s 5
hammer_stop
is 'lose no request either' "$failed" 0
is 'nor mix any' "$mixed" 0

container_reboot
is 'the machine is rebooted' $? 0
ok "the account's app answers" page 3000
like 'with the release that was live' "$OUT" "release ${release#releases/}<"
ok "and the system's" page 3001
like 'with its own' "$OUT" 'server s0, page s0'

done_testing
