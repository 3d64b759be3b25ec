# shellcheck shell=sh
# The programs that need no library, for tests, after lib/tap.sh.
#
#	. "$TOP/t/lib/static.sh"
#	static_need     builds them, or the test is skipped with the reason
#	STATIC          the directory with both

STATIC=$BUILD/static

# Only one test at a time builds in that directory.
static_build() {
	mkdir -p "$BUILD"
	set -- make -C "$TOP" -j"$(nproc)" BUILD="$STATIC" STATIC=1 programs
	! command -v flock >/dev/null || set -- flock "$BUILD" "$@"
	"$@"
}

static_need() {
	static_lacking=$("$TOP/contrib/install-deps" -n build static 2>&1) ||
		skip_all "${static_lacking#install-deps: }"
	! instrumented || skip_all 'what is instrumented needs its libraries'
	static_build >"$TMP/static.log" 2>&1 && return 0
	tap_show "$TMP/static.log"
	tap_not_ok 'the static build'
	done_testing
}
