/*
 * Reads lines from standard input, each of which must be a JSON object, and
 * prints the value of one key of each, a line a value:
 *
 *	json-lines KEY <events
 *
 * Exits with 1 at the first line that is none.
 */
#include <jansson.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	static char line[1 << 20];

	if (argc != 2)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		json_error_t error;
		json_t *o = json_loads(line, 0, &error), *v;

		if (!json_is_object(o)) {
			printf("no object: %s", line);
			return 1;
		}
		v = json_object_get(o, argv[1]);
		if (json_is_string(v))
			puts(json_string_value(v));
		else if (v) {
			json_dumpf(v, stdout, JSON_ENCODE_ANY);
			putchar('\n');
		}
		json_decref(o);
	}
	return 0;
}
