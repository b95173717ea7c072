#> grid(2) => '0\t0|0\t1|1\t0|1\t1'
def grid(n):
	rows = []
	for i in range(n):
		for j in range(n):
			rows.append("%d	%d" % (i, j))
	return "|".join(rows)
