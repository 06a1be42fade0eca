/* SPDX-License-Identifier: Apache-2.0 */
/* spec_exec.c - a file that is one "process" object: `exec --process` */
#include <errno.h>
#include <stdio.h>

#include "runsc/spec/node.h"

int spec_load_process(struct region *r, const char *file, struct spec *out, struct error *e)
{
	struct doc doc = {.r = r, .e = e, .file = file};
	struct node top = {.doc = &doc};
	json_error_t je;
	FILE *f = fopen(file, "re");
	json_t *process;

	if (!f)
		return error_set_errno(e, errno, "open %s", file);
	process = json_loadf(f, JSON_ALLOW_NUL, &je);
	fclose(f);
	if (!process)
		return error_set(e, "%s: line %d, column %d: %s", file, je.line, je.column,
				 je.text);
	top.v = json_pack("{s:o}", "process", process);
	if (!top.v)
		return error_set_errno(e, ENOMEM, "%s", file);
	spec_parse_process(&top, out);
	json_decref(top.v);
	return node_failed(&top) ? -EINVAL : 0;
}
