/*
 * A further channel of a push, whose main one says nothing more: part, amend
 * and files in any order and form (cook.h), against a manifest of a large file
 * that never comes, small ones, and one in chunks.  Checked is what fuzz_serve.c
 * does.  What comes before the push has taken the channel over is fuzz_serve.c's
 * part: the request `put'.
 */
#include <stdint.h>
#include <string.h>

#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char push[] =
	"deploy-protocol 1\n>hello\nversion 1\n"
	">push\napp blog\nthen activate\ntree @\nsettings @\nfiles @\nlanes 7\n"
	">full\n>settings\n>manifest\n"
	"f\t644\t6\t"
	"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\ta\n"
	"f\t644\t13\t"
	"79008a2ca59322527202b28fc31ea30acc5f675867bd5d5d3ed4de047e4aa060\tb\n"
	"c\t6\t"
	"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n"
	"c\t7\t"
	"8155f0e0ef671feaa2df0362794ba78fc554b8c7b05c57ddc8642fa510e43838\n"
	"f\t644\t9000000\t"
	"0000000000000000000000000000000000000000000000000000000000000000\tc\n"
	"end\t@\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf said = BUF_INIT, lane = BUF_INIT;
	struct cook c, d;

	cook_init(&c, serve_live());
	cook_init(&d, NULL);
	cook(&c, push, strlen(push), &said);
	cook(&d, data, size, &lane);
	serve_session(&said, &c, &lane);
	cook_release(&c);
	cook_release(&d);
	buf_release(&said);
	buf_release(&lane);
	return 0;
}
