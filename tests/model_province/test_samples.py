"""The files in samples/ are what the generator writes, and what their README says."""

import bz2
import gzip
import json
import zipfile

from config.model_province.sources import SAMPLES
from config.model_province.write_samples import cast, main, two_hospitals

LIMIT = 4 * 2**20


def contents(path):
    """Bytes by name; archives by their members, for compressors may differ."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {f"{path.name}/{name}": archive.read(name) for name in archive.namelist()}
    if path.suffix == ".gz":
        return {path.name: gzip.decompress(path.read_bytes())}
    return {path.name: path.read_bytes()}


def test_generated_files_are_written_again_byte_for_byte(tmp_path):
    main(tmp_path)

    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    kept = sorted(
        path.relative_to(SAMPLES) for path in (SAMPLES / "fhir/gansu").rglob("*") if path.is_file()
    )
    assert [path for path in written if path.parts[0] == "fhir"] == kept
    assert len(written) == len(kept) + 3
    for path in written:
        assert contents(tmp_path / path) == contents(SAMPLES / path), path


def test_each_of_the_cast_is_seen_in_both_cities():
    home, away = two_hospitals()
    names = {}
    for hospital in (home, away):
        folder = SAMPLES / "fhir/gansu" / hospital.code
        files = [data for path in folder.iterdir() for data in contents(path).values()]
        names[hospital.code] = {
            json.loads(data)["entry"][0]["resource"]["name"][0]["given"][0] for data in files
        }
    for resident, _ in cast():
        variants = {resident.given_name.replace("·", dot) for dot in "·•．"}
        assert names[home.code] & variants
        assert names[away.code] & variants


def test_synthea_patients_find_what_they_refer_to():
    files = sorted((SAMPLES / "fhir/synthea").glob("*.json.bz2"))
    bundles = {path.name: json.loads(bz2.decompress(path.read_bytes())) for path in files}
    offered = {
        f"{resource['resourceType']}?identifier={identifier['system']}|{identifier['value']}"
        for name, bundle in bundles.items()
        if name.startswith("0-")
        for resource in (entry["resource"] for entry in bundle["entry"])
        for identifier in resource.get("identifier", [])
    }
    wanted = set()

    def walk(value):
        if isinstance(value, dict):
            if "?identifier=" in str(value.get("reference", "")):
                wanted.add(value["reference"])
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)

    walk(bundles)
    assert len(files) == 8
    assert wanted
    assert wanted <= offered


def test_samples_stay_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < LIMIT


def test_readme_names_every_file_that_comes_from_elsewhere():
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")

    for folder in ("registry", "names", "licences"):
        for path in (SAMPLES / folder).iterdir():
            assert path.name in text, path
