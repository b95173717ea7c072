"""How deep may a tree be? A cross-validation as a sweep: one job for each depth and each share of the data, one table of scores.

    hoist run tests/workflows/scores.py::score --sweep 'depth=[1, 2, 4, 8], share=[0.5, 1.0]' --target lab
    hoist result last --format csv
"""

from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import resample


def score(depth, share=1.0, folds=5, seed=0):
    features, kinds = load_iris(return_X_y=True)
    count = int(len(kinds) * share)
    features, kinds = resample(features, kinds, n_samples=count, replace=False, stratify=kinds, random_state=seed)
    model = DecisionTreeClassifier(max_depth=depth, random_state=seed)
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_score(model, features, kinds, cv=split)
    print(f"depth {depth}, {count} flowers: {scores.round(2)}")
    return round(float(scores.mean()), 3)


if __name__ == "__main__":
    for depth in (1, 2, 4, 8):
        print(depth, score(depth))
