// Cividis, read at seven places: the same numbers as in viz/colours.py, which names its source.
export const CIVIDIS = [[0, 34, 78], [47, 66, 109], [87, 93, 109], [125, 124, 120], [163, 152, 110], [207, 188, 87], [254, 232, 56]];
