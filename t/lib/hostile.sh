# shellcheck shell=sh
# For tests that run a hostile peer, whose lines are their assertions.
# Sourced after tap.sh.

# Of deployd and its intake, in KiB; what instruments add is theirs.
# shellcheck disable=SC2034 # for the tests
HOSTILE_KIB=65536
! instrumented || HOSTILE_KIB=1048576

# hostile LEAST COMMAND...: an assertion for each line `ok NAME' or
# `not ok NAME', of which there are so many at least.  With HOSTILE_EVERY=N in
# the environment one case in N is made.
hostile() {
	hostile_least=$(($1 / ${HOSTILE_EVERY:-1}))
	shift
	"$@" >"$TMP/.tap/lines" 2>"$OUT"
	hostile_status=$?
	while IFS= read -r hostile_line; do
		case $hostile_line in
		'ok '*) tap_passed "${hostile_line#ok }" ;;
		*) tap_not_ok "${hostile_line#not ok }" ;;
		esac
	done <"$TMP/.tap/lines"
	is 'and they came to their end' "$hostile_status" 0 || tap_show "$OUT"
	ok "these were $hostile_least cases at least" \
		test "$(wc -l <"$TMP/.tap/lines")" -ge "$hostile_least"
}
