# dict.awk - DCMTK's data dictionary (dicom.dic) as C tables: the entries by
# ascending tag, and two hash indices over them (by tag, by keyword).
# The hashes are those of dict.c; both sides change together.

function hex(s,    i, v)
{
	v = 0
	for (i = 1; i <= length(s); i++)
		v = v * 16 + index("0123456789ABCDEF", \
			toupper(substr(s, i, 1))) - 1
	return v
}

function keyword_hash(s,    i, h)
{
	h = 5381
	for (i = 1; i <= length(s); i++)
		h = (h * 33 + ord[substr(s, i, 1)]) % 16777216
	return h % SLOTS
}

# What a reader has to take for the VRs that depend on other attributes.
function real_vr(vr)
{
	if (vr == "ox" || vr == "px" || vr == "lt")
		return "OW"
	if (vr == "xs")
		return "US"
	if (vr == "up")
		return "UL"
	if (vr == "na")
		return "  "
	return vr
}

function vm_bounds(vm,    part, n)
{
	n = split(vm, part, "-")
	vm_min = part[1] + 0
	if (n == 1)
		vm_max = vm_min
	else
		vm_max = part[2] ~ /n/ ? 0 : part[2] + 0
}

function put(table, at, value)
{
	while ((table, at) in slot)
		at = (at + 1) % SLOTS
	slot[table, at] = value
}

function print_index(table, name,    i)
{
	printf "\nconst uint16_t %s[IMG_DICT_SLOTS] = {\n", name
	for (i = 0; i < SLOTS; i++)
		printf "%d,%s", slot[table, i], i % 16 == 15 ? "\n" : ""
	print "};"
}

BEGIN {
	FS = "\t"
	SLOTS = 8192
	for (i = 32; i < 127; i++)
		ord[sprintf("%c", i)] = i
	print "/* Made by dict.awk from DCMTK's data dictionary. */"
	print "#include \"dicom/dict.h\""
	print "\nconst struct img_dict img_dict_table[] = {"
	sorted = "LC_ALL=C sort '" ARGV[1] "'"
	while ((sorted | getline) > 0) {
		if (!/^\(/ || $5 ~ /GENERIC|PRIVATE|ILLEGAL/)
			continue
		group = hex(substr($1, 2, 4))
		element = hex(substr($1, index($1, ",") + 1, 4))
		sub(/^RETIRED_/, "", $3)
		vm_bounds($4)
		printf "\t{ 0x%04X%04Xu, \"%s\", \"%s\", %d, %d },\n", \
			group, element, real_vr($2), $3, vm_min, vm_max
		n++
		put("t", (group * 421 + element) % SLOTS, n)
		put("k", keyword_hash($3), n)
	}
	close(sorted)
	if (n < 1000 || n * 4 > SLOTS * 3) {
		print "dict.awk: " n + 0 " entries" > "/dev/stderr"
		exit 1
	}
	print "};"
	printf "const unsigned img_dict_count = %d;\n", n
	print_index("t", "img_dict_by_tag")
	print_index("k", "img_dict_by_keyword")
}
