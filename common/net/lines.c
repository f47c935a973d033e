/* lines.c - files of rules and users: one a line, # begins a comment. */
#include <string.h>

#include "net/inside.h"

static void trim(char *line)
{
	size_t n;

	line[strcspn(line, "#")] = '\0';
	n = strlen(line);
	while (n && strchr(" \t\r", line[n - 1]))
		line[--n] = '\0';
}

int img_net_each_line(const char *file, char *text, size_t n, img_net_line_fn f,
		      void *arg, struct img_err *err)
{
	unsigned number = 0;
	char *end, *line;

	for (line = text; line < text + n; line = end + 1) {
		struct img_err why = IMG_ERR_INIT;

		end = memchr(line, '\n', n - (size_t)(line - text));
		if (!end)
			end = text + n;
		*end = '\0';
		number++;
		/* What is behind it would be left out. */
		if (memchr(line, '\0', (size_t)(end - line)))
			img_err_set(&why, IMG_E_USAGE, "a NUL byte");
		trim(line);
		line += strspn(line, " \t");
		if (why.code == IMG_OK && (!*line || f(arg, line, &why) == 0))
			continue;
		return img_err_set(err, why.code, "%.200s:%u: %.250s", file,
				   number, why.text);
	}
	return 0;
}
