#!/bin/sh
# For any CI: deploys the checkout that it is started in.
#
#	DEPLOY_KEY='-----BEGIN ...' DEPLOY_KNOWN_HOSTS='web1 ssh-ed25519 ...' \
#		contrib/ci/deploy.sh [TARGET]
#
# DEPLOY_KEY is the text of a private key and belongs into the CI's secrets;
# on the server, limit that key to deploying this app (deployd(8), Keys).
# DEPLOY_KNOWN_HOSTS is what `ssh-keyscan HOST` prints, compared once with the
# server's own keys.  Neither is written to disk.
#
# A checkout with its history lets deploy tell whether it contains what is
# live: the default, one commit only, makes that a warning.

set -eu

for name in DEPLOY_KEY DEPLOY_KNOWN_HOSTS; do
	if ! printenv "$name" >/dev/null; then
		echo "$name is not set" >&2
		exit 2
	fi
done
command -v deploy >/dev/null || {
	echo 'deploy is not installed: add it to the image of this job' >&2
	exit 2
}

# Another pipeline's deploy is waited for.  Not connecting (3), being busy (5)
# and a broken transfer (6) are tried again: an upload goes on where it ended.
tries=3
while :; do
	status=0
	deploy --wait "$@" || status=$?
	tries=$((tries - 1))
	case $status in
	3 | 5 | 6) [ $tries -gt 0 ] || exit $status ;;
	*) exit $status ;;
	esac
	sleep 10
done
