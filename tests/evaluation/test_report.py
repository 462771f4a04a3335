"""Records, tables, plot and page of a comparison; all without a network."""

import csv
import math
import re
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from crossnet_tf import images
from crossnet_tf.evaluation import (
    averages,
    measure,
    page,
    page_crops,
    plot,
    published,
    records,
    tables,
)

SVG = "{http://www.w3.org/2000/svg}"


def _record(method="Bicubic", system="bicubic", **changes) -> records.Record:
    values = dict(
        dataset="flower",
        scale=4,
        method=method,
        system=system,
        name="a",
        view="(1,1)",
        psnr=30.0,
        ssim=0.9,
        ifc=2.0,
        ifc_hr_first=2.5,
        seconds=0.25,
        peak_mb=900.0,
        squared=(0.5,) * len(records.BIN_EDGES),
        counts=(500.0,) * len(records.BIN_EDGES),
    )
    return records.Record(**{**values, **changes})


def test_records_come_back_roundtrip(tmp_path):
    path = tmp_path / "new" / "records.jsonl"
    assert records.load(path) == {}
    first, second = _record(), _record(view="(7,7)", epe=1.5)
    records.append(path, first)
    records.append(path, second)
    found = list(records.load(path).values())
    assert math.isnan(found[0].epe)
    assert found[1] == second


def test_records_survive_a_torn_line(tmp_path):
    path = tmp_path / "records.jsonl"
    records.append(path, _record())
    with open(path, "a") as file:
        file.write('{"dataset": "flow')
    records.append(path, _record(name="b", epe=0.0))
    found = list(records.load(path).values())
    assert [record.name for record in found] == ["a", "b"]


def test_record_counts_again_only_if_made_alike():
    assert _record(made_with="x").key != _record(made_with="y").key
    assert _record(psnr=1.0).key == _record(psnr=2.0).key


def test_binned_agrees(rng):
    sr, hr = rng.random((2, 8, 9, 3))
    flow = np.zeros((8, 9, 3))
    flow[..., 2] = 1
    flow[:4, :, 0] = 3.0  # 2 to 4 px: bin 2
    flow[0, 0, 2] = 0
    squared, counts = measure.binned(sr, hr, flow)
    error = np.square(sr - hr)
    assert counts[0] == 3 * 4 * 9
    assert counts[2] == 3 * (4 * 9 - 1)
    np.testing.assert_allclose(squared[0], error[4:].sum())
    np.testing.assert_allclose(squared[2], error[:4].sum() - error[0, 0].sum())
    assert sum(counts) == counts[0] + counts[2]


def test_mean_leaves_out_what_is_unknown():
    both = [_record(epe=1.0), _record(epe=math.nan)]
    assert averages.mean(both, "epe") == 1.0
    assert math.isnan(averages.mean(both[1:], "epe"))


def test_published_values_golden():
    """Corners of the printed table, and the gains that its text names."""
    assert len(published.TABLE) == 44
    table = published.TABLE
    assert table["srcnn", 4, "flower", "(1,1)"] == (32.76, 0.89, 2.46)
    assert table["crossnet", 8, "lfvideo", "(7,7)"] == (36.48, 0.93, 3.43)
    assert ("ss_net", 4, "flower", "(1,1)") not in table
    for scale, best, dataset, gains in (
        (8, "ss_net", "flower", (2.85, 1.95)),
        (8, "ss_net", "lfvideo", (3.33, 0.67)),
        (4, "patchmatch", "flower", (4.06, 3.26)),
        (4, "patchmatch", "lfvideo", (3.99, 1.95)),
    ):
        for view, gain in zip(published.VIEWS, gains):
            ours = table["crossnet", scale, dataset, view][0]
            theirs = table[best, scale, dataset, view][0]
            assert ours - theirs == pytest.approx(gain)


def test_tables_have_the_papers_layout():
    (table,) = tables.make_tables(
        [
            _record(),
            _record(psnr=32.0, name="b"),
            _record(view="(7,7)", psnr=28.0),
            _record("A_b & c", "crossnet", seconds=2.0, epe=0.5),
        ]
    )
    text = tables.markdown(table)
    assert text.splitlines()[0].startswith(
        "| Algorithm | Scale | (1,1) | (7,7) | EPE [px] | s / image | peak MB |"
        " published, Flower (1,1) | published, Flower (7,7) |"
    )
    assert (
        "| Bicubic | x4 | 31.00 / 0.90 / 2.00 | 28.00 / 0.90 / 2.00 | - | 0.25 "
        "| 900 | - | - |"
    ) in text
    assert (
        "| A_b & c | x4 | 30.00 / 0.90 / 2.00 | - | 0.50 | 2.00 | 900 "
        "| 42.09 / 0.98 / 6.70 | 38.49 / 0.97 / 5.02 |"
    ) in text
    latex = tables.latex(table)
    assert r"A\_b \& c & x4 & 30.00 / 0.90 / 2.00" in latex
    assert all(
        line.count("&") == 8 + ("\\&" in line)
        for line in latex.splitlines()
        if line.endswith(r"\\")
    )
    rows = tables.csv_table(table).splitlines()
    assert len(rows) == 3
    assert rows[1].startswith("Bicubic,x4,31.00 / 0.90 / 2.00,")


def test_tables_are_one_per_data_set():
    made = tables.make_tables([_record(), _record(dataset="own")])
    assert [table.dataset for table in made] == ["flower", "own"]
    assert len(made[1].header) == made[1].measured + 4
    assert len(made[0].header) == made[0].measured + 2


def test_csv_has_every_image():
    rows = tables.csv_rows([_record(), _record(name="b")]).splitlines()
    assert rows[0].startswith("dataset,scale,method,system,name,view,psnr")
    assert rows[2].startswith("flower,4,Bicubic,bicubic,b,")
    assert "squared" not in rows[0]


def test_plot_by_true_flow():
    drawing = plot.draw([_record(), _record("<b>", psnr=31)], "A & B").svg
    root = ElementTree.fromstring(drawing)
    lines = [g for g in root.iter(SVG + "g") if "curve" in g.get("id", "")]
    assert len(lines) == 2
    # One mark for each point.
    assert len(list(lines[0].iter(SVG + "use"))) == len(records.BIN_EDGES)
    assert "&lt;b&gt;" in drawing
    assert "displacement" in drawing
    (line, _), _ = plot.curves([_record(), _record("b")])[0].values(), None
    assert line[0] == (0.5, pytest.approx(30.0))


def test_plot_has_room_for_every_name():
    many = [_record(f"Net {i}") for i in range(12)]
    for count in (1, 12):
        root = ElementTree.fromstring(plot.draw(many[:count], "A").svg)
        texts = root.iter(SVG + "text")
        places = {text.text: float(text.get("y")) for text in texts}
        names = [places[record.method] for record in many[:count]]
        assert len(set(names)) == count
        label = next(y for text, y in places.items() if "[px]" in text)
        assert label < min(names)
        assert max(names) < float(root.get("height").removesuffix("pt"))


def test_plot_by_view_if_flow_is_unknown():
    unknown = dict(squared=(), counts=())
    some = [
        _record(view=f"({i},{i})", psnr=40.0 - i, **unknown) for i in (7, 1)
    ]
    lines, label = plot.curves(some)
    assert lines == {"Bicubic": [(1.0, 39.0), (7.0, 33.0)]}
    assert "view" in label
    assert plot.draw(some[:1], "one view") is None


def test_crops_show_the_most_error():
    hr = np.zeros((256, 384, 3), np.float32)
    first, last = hr.copy(), hr.copy()
    first[10:20, 10:20] = 1
    last[240:, 370:] = 1
    last[10:30, 10:30] = 0.1
    one, other = page_crops.find_crops(hr, [first, last])
    assert first[one].sum() == first.sum()
    assert last[other][..., 0].max() == 1
    assert first[other].sum() == 0


def test_crops_of_a_small_picture():
    hr = np.zeros((70, 80, 3), np.float32)
    sr = hr.copy()
    sr[0, 0] = 1
    first, second = page_crops.find_crops(hr, [sr, sr])
    assert hr[first].shape == hr[second].shape == (35, 40, 3)
    hr[first] = 1
    assert not hr[second].any()
    assert len(page_crops.find_crops(hr, [hr])) == 1
    in_the_middle = np.zeros((70, 80, 3), np.float32)
    in_the_middle[17, 20] = in_the_middle[51, 59] = 1
    assert len(page_crops.find_crops(0 * hr, [in_the_middle] * 2)) == 1


def test_page_is_self_contained(tmp_path, rng):
    hr = rng.random((72, 80, 3)).astype(np.float32)
    drawn = {
        "_hr": hr,
        "_ref": hr,
        "_lr": hr[::4, ::4],
        "Bicubic": hr[::-1],
        "Net": hr,
        "Net_flow_0": hr,
        "Net_flow_2": hr[::4, ::4],
    }
    for name, picture in drawn.items():
        images.write_image(tmp_path / f"{name}.png", picture)
    measured = [_record(), _record("Net", "crossnet")]
    key = ("flower", 4, "a", "(1,1)")
    text = page.page(
        page.Content(
            title="A <title>",
            notes=["one & two, `<three>`"],
            problems=["<bad>.png"],
            tables=tables.make_tables(measured),
            plots={("flower", 4): plot.draw(measured, "<plot>").svg},
            records=measured,
            folders={key: tmp_path},
            slugs={"Bicubic": "Bicubic", "Net": "Net"},
        )
    )
    assert "<code>&lt;three&gt;</code>" in text
    assert "&lt;bad&gt;.png" in text
    assert "&lt;plot&gt;" in text
    assert "A &lt;title&gt;" in text
    assert "one &amp; two" in text
    assert "Bicubic, 30.00 dB" in text
    assert "Net, flow at 1<" in text
    assert "Net, flow at 1/4<" in text
    assert text.count('class="error"') == 4
    # A plot's parts point at each other, "#name", and at nothing else.
    text = re.sub(r'href="#\w+"|url\(#\w+\)', "", text)
    for outside in ('src="http', "href=", "url(", "@import", "fetch("):
        assert outside not in text
    assert text.count("data:image/png;base64,") == 2 * (5 + 2) + 2


def test_plot_is_the_same_file_each_time_and_a_pdf():
    one, two = (plot.draw([_record()], "A") for _ in range(2))
    assert one == two
    assert one.pdf.startswith(b"%PDF")


@pytest.mark.parametrize("name", ["$a_b^c$ \\frac", "_hidden", "\u7f51\u7edc"])
def test_plot_takes_any_name(name):
    svg = plot.draw([_record(name)], f"{name} & more").svg
    texts = [t.text for t in ElementTree.fromstring(svg).iter(SVG + "text")]
    assert name in texts


def test_gains_are_means_by_view():
    def both(name, view, psnr, ssim, bicubic_psnr, bicubic_ssim):
        place = dict(name=name, view=view)
        yield _record("Net", "crossnet", psnr=psnr, ssim=ssim, **place)
        yield _record(psnr=bicubic_psnr, ssim=bicubic_ssim, **place)

    rows = [
        *both("a", "(1,1)", 30.0, 0.8, 28.0, 0.7),
        *both("b", "(1,1)", 32.0, 0.9, 29.0, 0.8),
        *both("a", "(7,7)", 27.0, 0.6, 28.0, 0.7),
    ]
    (table,) = tables.make_gains(rows)
    assert tables.markdown(table).splitlines()[2:] == [
        "| Net | x4 | (1,1) | 2 | 31.00 | 28.50 | +2.50 | 0.8500 | 0.7500 |",
        "| Net | x4 | (7,7) | 1 | 27.00 | 28.00 | -1.00 | 0.6000 | 0.7000 |",
        "| Net | x4 | all | 3 | 29.67 | 28.33 | +1.33 | 0.7667 | 0.7333 |",
    ]
    assert len(tables.make_gains(rows[:4])[0].rows) == 1
    assert tables.make_gains([_record()]) == []


def test_values_that_are_not_finite_spoil_no_mean():
    """An exact picture is counted apart, a small one has no IFC."""
    inf, nan = math.inf, math.nan
    rows = [
        _record(name="a", psnr=30.0),
        _record(name="black", psnr=inf, ssim=1.0, ifc=nan, ifc_hr_first=nan),
        _record(name="small", psnr=34.0, ssim=nan, ifc=nan),
        _record("Net", "crossnet", name="a", psnr=33.0),
        _record("Net", "crossnet", name="black", psnr=60.0, ssim=1.0),
        _record("Net", "crossnet", name="small", psnr=35.0, ssim=nan),
    ]
    (table,) = tables.make_tables(rows)
    assert table.rows[0][2] == "32.00 / 0.95 / 2.00"
    (gains,) = tables.make_gains(rows)
    assert gains.rows[0][3:] == (
        "3 (1 exact)", "34.00", "32.00", "+2.00", "0.9500", "0.9500",
    )  # fmt: skip
    (note,) = tables.exact_notes(rows)
    assert note.startswith("1 of 3 images of `flower` came out exactly")
    text = tables.markdown(table) + tables.markdown(gains) + note
    assert "nan" not in text
    assert " inf " not in text
    (table,) = tables.make_tables(rows[1:2])
    assert table.rows[0][2] == "- / 1.00 / -"
    (_, _, exact, *_) = csv.reader(tables.csv_rows(rows).splitlines())
    assert exact[6:10] == ["inf", "1.000000", "", ""]


def test_a_bar_in_a_label_does_not_end_a_cell():
    (table,) = tables.make_tables([_record("a|b")])
    assert "| a\\|b | x4 |" in tables.markdown(table)


def test_append_reads_only_the_end(tmp_path, monkeypatch):
    """A comparison of hours must not slow down with its records."""
    path = tmp_path / "records.jsonl"
    records.append(path, _record())
    path.write_bytes(path.read_bytes() * 20000)
    for name in ("read_bytes", "read_text"):
        monkeypatch.setattr(type(path), name, None)
    began = time.perf_counter()
    records.append(path, _record(name="last"))
    assert time.perf_counter() - began < 0.5
    with open(path, "rb") as file:
        file.seek(-2000, 2)
        assert b'"name": "last"' in file.read()
