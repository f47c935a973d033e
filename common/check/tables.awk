# tables.awk - iods.csv and attributes.csv as C, sorted as modules.c searches
# them: modules by name, their attributes by path.

BEGIN {
	FS = ","
	print "/* Made by tables.awk from iods.csv and attributes.csv. */"
	print "#include \"check/inside.h\""
}

/^#/ { next }

FILENAME ~ /attributes/ {
	if (NF != 3 || $3 !~ /^[12]$/) {
		print FILENAME ":" FNR ": not an attribute" > "/dev/stderr"
		failed = 1
		exit 1
	}
	n = split($2, tag, "/")
	if (n > 5) {
		print FILENAME ":" FNR ": too deep" > "/dev/stderr"
		failed = 1
		exit 1
	}
	if (!($1 in first)) {
		first[$1] = attributes + 0
		module[++modules] = $1
	}
	count[$1]++
	line = "\t{ { "
	for (i = 1; i <= n; i++)
		line = line "0x" tag[i] "u, "
	attribute[attributes++] = line "}, " n ", " $3 " },"
	next
}

{
	n = split($3, m, " ")
	list = ""
	for (i = 1; i <= n; i++)
		if (m[i] in first)
			list = list sprintf("{ %d, %d }, ", first[m[i]], \
				count[m[i]])
	pixels = $3 ~ /C\.7\.6\.3( |$)/ ? "true" : "false"
	iod[++iods] = sprintf("\t{ \"%s\", %s, { %s} },", $1, pixels, list)
}

END {
	if (failed)
		exit 1
	print "const struct check_attribute check_attributes[] = {"
	for (i = 0; i < attributes; i++)
		print attribute[i]
	print "};\nconst struct check_iod check_iods[] = {"
	for (i = 1; i <= iods; i++)
		print iod[i]
	print "};"
	printf "const unsigned check_iod_count = %d;\n", iods
	if (attributes < 500 || iods < 50)
		exit 1
}
