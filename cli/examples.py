"""Examples at the end of each command's --help."""

EXAMPLES = {
    "data": (
        "dropgan data photos --size 64 -o sheet.png",
        "dropgan data table.csv --json",
    ),
    "run": (
        "dropgan run -o clothes",
        "dropgan run --data photos --size 64 -o photos-gan",
        "dropgan run --data table.csv --minutes 10 -o table-gan",
    ),
    "train": (
        "dropgan train --data photos --size 64 -o run",
        "dropgan train --recipe mlp --set training.loss=hinge -o run",
        "dropgan train --resume --steps 20000 -o run",
        "dropgan train --recipe conv --show-recipe",
    ),
    "sweep": (
        "dropgan sweep --generator-dropout 0,0.1,0.3 --seeds 3 -o sweep",
        "dropgan sweep --axis penalty.r1_weight=0,0.3 --axis data.limit=500,9000 -o s",
    ),
    "export": (
        "dropgan export run -o model.onnx",
        "dropgan export run -o small.onnx --precision int8",
    ),
    "inspect": (
        "dropgan inspect model.onnx",
        "dropgan inspect small.onnx --against model.onnx",
    ),
    "sample": (
        "dropgan sample model.onnx -n 64 -o grid.png",
        "dropgan sample model.onnx -n 1000 --seed ada -o images.npy",
        "dropgan sample model.onnx -n 1000000 --format tar -o shards",
        "dropgan sample --verify shards",
    ),
    "evaluate": (
        "dropgan evaluate run --report report.html",
        "dropgan evaluate model.onnx --data photos --held-out more-photos",
        "dropgan evaluate --fit-features mine.safetensors --data photos",
    ),
    "package": (
        "dropgan package model.onnx --name clothes-gan --license MIT -o dist",
        "dropgan package model.onnx --target web --name clothes-gan -o site",
    ),
    "serve": (
        "dropgan serve model.onnx",
        "dropgan serve models/ --host 0.0.0.0 --key-file key.txt --workers 4",
    ),
    "doctor": ("dropgan doctor", "dropgan doctor --json"),
}
"""For each command, lines that a user can type."""
