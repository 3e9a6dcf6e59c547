//! Bytes depend on the plan only: never on threads, budget, residence, temporary folders, interruptions or who renders which band.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use common::{PLENTY, Planned, Shop, Style, draw, files_in, grid, layout, parts_in, placement, rect, scene, smallest_limit_bytes};
use gangsheet::{
    ArtworkStore, Cancel, Dpi, Effort, ErrorKind, Existing, Item, Job, Layout, Length, Media, MemoryBudget, Order, Packing, PngPart,
    Progress, RenderPlan, RenderedPart, Renderer, Report, Residence, Run, RunOptions, Sizing, render_band,
};

type Files = BTreeMap<String, Vec<u8>>;

/// Says which file differs, and not in which bytes.
#[track_caller]
fn assert_same(found: &Files, expected: &Files, what: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (name, content) in expected {
        assert!(found[name] == *content, "{what}: {name} differs");
    }
}

fn options(max_memory_bytes: u64, threads: usize) -> RunOptions {
    RunOptions { max_memory_bytes: Some(max_memory_bytes), threads: Some(threads), ..RunOptions::default() }
}

/// Renders under generous conditions and hands back the parts.
fn reference(shop: &Shop, layout: &Layout, folder: &str) -> Files {
    Run::of_layout(layout, shop.base()).options(options(PLENTY, 2)).render(&shop.path(folder), |_| {}).unwrap();
    let parts = parts_in(&shop.path(folder));
    assert_eq!(parts.len(), layout.parts.len());
    parts
}

/// One plan rendered stage by stage, with a look at the ledger.
struct Rendered {
    parts: Vec<RenderedPart>,
    progress: Vec<Progress>,
    spill_bytes: u64,
    residences: Vec<Residence>,
    /// Bytes of resident rasters that the next part uses, after each part.
    kept_bytes: Vec<u64>,
}

/// Renders `layout` through the stages' own interfaces and checks that every byte of the budget is given back.
fn render_by_stages(shop: &Shop, layout: &Layout, limit_bytes: u64, threads: usize, folder: &Path, temp_dir: Option<&Path>) -> Rendered {
    let Planned { plan, budget, process } = common::plan(layout, shop.base(), limit_bytes, threads).unwrap();
    let held_bytes = budget.held_bytes();
    fs::create_dir_all(folder).unwrap();
    let names: Vec<String> = (1..=plan.parts().len()).map(|part| format!("Test part {part}.png")).collect();
    let mut renderer = Renderer::new(budget.clone());
    if let Some(temp_dir) = temp_dir {
        renderer = renderer.temp_dir(temp_dir);
    }
    let mut progress = Vec::new();
    let parts = renderer.render(&plan, folder, &names, |step| progress.push(step)).unwrap();
    assert_eq!(budget.held_bytes(), held_bytes, "the renderer kept something");
    let spill_bytes = plan.memory().spill_bytes;
    let decoded = || plan.parts().iter().flat_map(|part| part.decodes()).flat_map(|decode| &decode.rasters);
    let residences = decoded().map(|made| made.residence).collect();
    let kept_bytes = (0..parts.len()).map(|part| kept_bytes(&plan, part)).collect();
    drop(plan);
    drop(process);
    assert_eq!(budget.held_bytes(), 0, "the plan kept something");
    Rendered { parts, progress, spill_bytes, residences, kept_bytes }
}

/// What the ledger may hold for the next part once `part` is done: its resident rasters that both use.
fn kept_bytes(plan: &RenderPlan, part: usize) -> u64 {
    let Some(next) = plan.parts().get(part + 1) else { return 0 };
    let made_by_next: Vec<usize> = next.decodes().iter().flat_map(|decode| &decode.rasters).map(|made| made.raster).collect();
    let used_by_next = |raster| next.bands().iter().flat_map(|band| plan.placements_of(band)).any(|(used, _)| used == raster);
    let latest = plan.parts()[..=part].iter().flat_map(|part| part.decodes()).flat_map(|decode| &decode.rasters);
    let latest: BTreeMap<usize, Residence> = latest.map(|made| (made.raster, made.residence)).collect();
    let kept = latest.iter().filter(|&(raster, _)| used_by_next(*raster) && !made_by_next.contains(raster));
    kept.filter(|&(_, residence)| *residence == Residence::Resident).map(|(&raster, _)| plan.rasters()[raster].size.rgba_bytes()).sum()
}

#[test]
fn threads_budgets_residences_and_temporary_folders_do_not_matter() {
    let shop = Shop::new();
    let (spilled, residences) = nothing_but_the_plan_matters(&shop, &scene(&shop));
    assert_eq!(residences, HashSet::from([Residence::Resident, Residence::Streamed, Residence::Spilled]));
    // The budgets were chosen well: many in files, few in files, none in files.
    let counts: BTreeSet<u64> = spilled.iter().map(|spilled| spilled.0).collect();
    assert!(counts.len() > 2 && counts.contains(&0), "{spilled:?}");
    assert!(spilled.iter().all(|s| (s.0 == 0) == (s.1 == 0)), "{spilled:?}");
}

#[test]
fn threads_and_budgets_do_not_matter_to_copies_in_a_grid() {
    let shop = Shop::new();
    nothing_but_the_plan_matters(&shop, &grid(&shop));
}

/// Renders under several limits with one to eight threads. What was spilled each time, as files and bytes, and where pixels lived.
fn nothing_but_the_plan_matters(shop: &Shop, layout: &Layout) -> (Vec<(u64, u64)>, HashSet<Residence>) {
    let expected = reference(shop, layout, "reference");
    let smallest = |threads| common::plan(layout, shop.base(), PLENTY, threads).unwrap().plan.memory().smallest_limit_bytes;
    assert_eq!(smallest(1), smallest(8), "the smallest limit depends on the number of threads");
    let smallest = smallest(1);
    let temp_dir = shop.path("temp");
    fs::create_dir(&temp_dir).unwrap();

    let mut spilled = Vec::new();
    let mut residences = HashSet::new();
    let mut first_progress = None;
    for limit_bytes in [smallest, smallest + (1 << 20), smallest + (3 << 20), smallest * 2, PLENTY] {
        for threads in 1..=8 {
            let what = format!("{limit_bytes} bytes, {threads} threads");
            let folder = shop.path("out");
            let temp_dir = (threads % 2 == 0).then_some(temp_dir.as_path());
            let rendered = render_by_stages(shop, layout, limit_bytes, threads, &folder, temp_dir);
            assert_same(&files_in(&folder), &expected, &what);
            assert!(files_in(&shop.path("temp")).is_empty(), "{what}: something stays in the temporary folder");
            let progress = first_progress.get_or_insert_with(|| rendered.progress.clone());
            assert_eq!(rendered.progress, *progress, "{what}");

            // The ledger: after each part what the next one shares with it, and nothing after the last.
            let before = rendered.parts[0].memory_before_bytes;
            for (part, kept) in rendered.parts.iter().zip(&rendered.kept_bytes) {
                assert_eq!(part.memory_after_bytes - before, *kept, "{what}: {part:?}");
            }
            let files = |of: fn(&RenderedPart) -> u64| rendered.parts.iter().map(of).sum::<u64>();
            let expected_files = rendered.residences.iter().filter(|&&residence| residence == Residence::Spilled).count() as u64;
            assert_eq!(
                (files(|part| part.spill_files_created), files(|part| part.spill_files_removed)),
                (expected_files, expected_files),
                "{what}"
            );
            spilled.push((expected_files, rendered.spill_bytes));
            residences.extend(rendered.residences);
            fs::remove_dir_all(folder).unwrap();
        }
    }
    (spilled, residences)
}

#[test]
fn what_the_next_part_shares_is_kept_and_nothing_else() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let rendered = render_by_stages(&shop, &layout, PLENTY, 2, &shop.path("out"), None);
    // The turned disc of 300 × 400 px and the noise of 120 × 90 px.
    assert_eq!(rendered.kept_bytes, [(300 * 400 + 120 * 90) * 4, 0]);
}

#[test]
fn a_limit_below_the_smallest_is_refused_and_the_smallest_will_do() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let run = Run::of_layout(&layout, shop.base());
    let smallest = smallest_limit_bytes(&run);
    let out = shop.path("out");
    let error = run.clone().options(options(smallest - 1, 4)).render(&out, |_| {}).unwrap_err();
    let ErrorKind::MemoryLimit { needed_bytes, limit_bytes, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!((*needed_bytes, *limit_bytes), (smallest, smallest - 1));
    assert!(!out.exists());
    let report = run.options(options(smallest, 4)).render(&out, |_| {}).unwrap();
    assert!(report.peak_reserved_bytes <= smallest && report.max_memory_bytes == smallest);
    assert!(report.spilled_bytes > 0);
}

/// A raster that was kept from part to part is made again with those of the part, all at once.
#[test]
fn what_the_smallest_limit_renders_it_also_resumes() {
    let shop = Shop::new();
    shop.artwork("fox.png", &draw(Style::Noise, 1, 900, 400));
    let fox = |copy, width, x| placement("fox.png", copy, rect(x, 0, width, 400));
    let layout = layout([((2000, 400), vec![fox(1, 800, 0)]), ((2000, 400), vec![fox(2, 800, 0), fox(3, 700, 900)])]);
    let expected = reference(&shop, &layout, "reference");
    let smallest = smallest_limit_bytes(&Run::of_layout(&layout, shop.base()));
    let out = shop.path("out");
    resume(&shop, &layout, smallest, 1, &out).unwrap();
    fs::remove_file(out.join("Test part 2.png")).unwrap();
    resume(&shop, &layout, smallest, 1, &out).unwrap();
    assert_same(&parts_in(&out), &expected, "resumed");
}

fn job(shop: &Shop) -> Job {
    scene(shop);
    let item = |artwork: &str, width: u32, copies: u32| Item {
        size: Some(Sizing::Width(Length::px(width))),
        copies: copies.try_into().unwrap(),
        ..Item::new(format!("art/{artwork}.png"))
    };
    let orders = vec![
        Order::new("1001", vec![item("disc", 300, 4), item("noise", 120, 5)]),
        Order::new(
            "1002",
            vec![
                Item { treatment: common::mirrored(), ..item("grey", 200, 3) },
                Item { treatment: common::trimmed(), ..item("dot", 99, 3) },
            ],
        ),
    ];
    Job::new("Test", Dpi::new(300).unwrap(), Media::new(Length::px(700), Length::px(900)), orders)
}

#[test]
fn a_job_gives_the_same_files_each_time_and_its_layout_gives_them_again() {
    let shop = Shop::new();
    let job = job(&shop);
    let fast = RunOptions { packing: Packing::default().with_effort(Effort::Fast), ..options(PLENTY, 2) };
    let (first, second) = (shop.path("first"), shop.path("deeper/second"));
    let report = Run::of_job(&job, shop.base()).options(fast.clone()).render(&first, |_| {}).unwrap();
    assert!(report.parts.len() > 1, "more than one part is what this is about");
    let expected = parts_in(&first);
    Run::of_job(&job, shop.base()).options(RunOptions { threads: Some(5), ..fast.clone() }).render(&second, |_| {}).unwrap();
    assert_same(&parts_in(&second), &expected, "the job again");

    // Artwork paths hold from where the layout lies.
    let layouts = [&first, &second].map(|folder| Layout::read(&folder.join("layout.json")).unwrap());
    assert_eq!(&*layouts[0].parts[0].placements()[0].artwork, &*format!("../{}", artwork_of(&job, &layouts[0])));
    for (nth, (layout, folder)) in layouts.iter().zip([&first, &second]).enumerate() {
        let again = shop.path(&format!("a/b/{nth}"));
        let report = Run::of_layout(layout, folder).options(fast.clone()).render(&again, |_| {}).unwrap();
        assert_same(&parts_in(&again), &expected, "the saved layout");
        assert_eq!((report.ordered_copies, report.placed_copies), (15, 15));
        let third = Layout::read(&again.join("layout.json")).unwrap();
        Run::of_layout(&third, &again).options(fast.clone()).render(&shop.path(&format!("c{nth}")), |_| {}).unwrap();
        assert_same(&parts_in(&shop.path(&format!("c{nth}"))), &expected, "the layout of the layout");
    }
    let both = shop.path("both");
    Run::of_laid_out_job(&job, shop.base(), &layouts[0], &first).options(fast.clone()).render(&both, |_| {}).unwrap();
    assert_same(&parts_in(&both), &expected, "the job with its layout");
    assert_eq!(Layout::read(&both.join("layout.json")).unwrap(), layouts[0]);

    // No layout needs the folders of those before it.
    [&first, &second, &shop.path("a")].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    let third = Layout::read(&shop.path("c0/layout.json")).unwrap();
    Run::of_layout(&third, &shop.path("c0")).options(fast).render(&shop.path("last"), |_| {}).unwrap();
    assert_same(&parts_in(&shop.path("last")), &expected, "the layout when the earlier ones are gone");
}

/// The way up from a folder leads through where it really lies.
#[cfg(unix)]
#[test]
fn the_saved_layout_holds_in_a_folder_that_is_a_link() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let expected = reference(&shop, &layout, "reference");
    fs::create_dir_all(shop.path("far/away/disk")).unwrap();
    std::os::unix::fs::symlink(shop.path("far/away/disk"), shop.path("out")).unwrap();
    for out in [shop.path("out"), shop.path("out/sheets")] {
        Run::of_layout(&layout, shop.base()).options(options(PLENTY, 2)).render(&out, |_| {}).unwrap();
        let saved = Layout::read(&out.join("layout.json")).unwrap();
        let again = tempfile::tempdir().unwrap();
        Run::of_layout(&saved, &out).options(options(PLENTY, 2)).render(again.path(), |_| {}).unwrap();
        assert_same(&parts_in(again.path()), &expected, "through a link");
    }
}

/// The artwork of the layout's first placement, as the job writes it.
fn artwork_of(job: &Job, layout: &Layout) -> String {
    let first = &layout.parts[0].placements()[0];
    let order = job.orders.iter().find(|order| order.id == first.order).unwrap();
    order.items[first.item as usize].artwork.to_string()
}

#[test]
fn absolute_artwork_paths_give_the_same_bytes() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let expected = reference(&shop, &layout, "reference");
    let absolute = layout.parts.iter().map(|part| {
        let placements = part.placements().iter().cloned();
        let rooted = |artwork: &str| shop.path(artwork).to_str().unwrap().into();
        let placements = placements.map(|placed| gangsheet::Placement { artwork: rooted(&placed.artwork), ..placed });
        ((part.size().width(), part.size().height()), placements.collect())
    });
    let absolute = common::layout(absolute);
    let out = shop.path("out");
    Run::of_layout(&absolute, Path::new("/no/such/folder")).options(options(PLENTY, 2)).render(&out, |_| {}).unwrap();
    assert_same(&parts_in(&out), &expected, "absolute paths");
}

/// Each band on its own, last to first, with a store that knows of nothing else: what workers on other machines do.
#[test]
fn bands_rendered_alone_and_backwards_give_the_same_file() {
    let shop = Shop::new();
    for layout in [scene(&shop), grid(&shop)] {
        let expected = reference(&shop, &layout, "reference");
        let Planned { plan, .. } = common::plan(&layout, shop.base(), PLENTY, 1).unwrap();
        assert!(plan.parts().iter().all(|part| part.bands().len() > 1), "parts of several bands are what this is about");
        for (part, (name, content)) in plan.parts().iter().zip(&expected) {
            let budget = MemoryBudget::new(PLENTY);
            let alone = |band| render_band(&plan, band, &ArtworkStore::new(budget.clone(), shop.base(), Cancel::default())).unwrap();
            let mut fragments: Vec<_> = part.bands().iter().rev().map(alone).collect();
            assert_eq!(budget.held_bytes(), 0);
            fragments.reverse();
            let path = shop.path(name);
            let mut png = PngPart::create(&path, part.header()).unwrap();
            fragments.iter().for_each(|fragment| png.append(fragment).unwrap());
            let file = png.finish().unwrap();
            assert_eq!(file.bytes, content.len() as u64);
            assert!(fs::read(path).unwrap() == *content, "{name}");
        }
        fs::remove_dir_all(shop.path("reference")).unwrap();
    }
}

/// A store that renders every band, also those that are like an earlier one, holds nothing once each band is released.
#[test]
fn bands_like_earlier_ones_are_found_and_leave_nothing_behind() {
    let shop = Shop::new();
    let layout = grid(&shop);
    let Planned { plan, .. } = common::plan(&layout, shop.base(), PLENTY, 1).unwrap();
    let budget = MemoryBudget::new(PLENTY);
    let store = ArtworkStore::new(budget.clone(), shop.base(), Cancel::default());
    let mut found = 0;
    for band in plan.parts().iter().flat_map(|part| part.bands()) {
        let bands = plan.parts()[band.part()].bands();
        if let Some(like) = band.like() {
            assert!(like < band.index() && bands[like].like().is_none() && bands[like].rows().len() == band.rows().len());
            found += 1;
        }
        render_band(&plan, band, &store).unwrap();
        store.release_after(&plan, band);
    }
    assert_eq!(budget.held_bytes(), 0);
    assert!(found >= 2, "{found} bands like earlier ones");
}

fn resume(shop: &Shop, layout: &Layout, limit_bytes: u64, threads: usize, folder: &Path) -> gangsheet::Result<Report> {
    let options = RunOptions { existing: Existing::Resume, ..options(limit_bytes, threads) };
    Run::of_layout(layout, shop.base()).options(options).render(folder, |_| {})
}

/// Where chunks of a PNG begin.
fn chunk_starts(png: &[u8]) -> Vec<usize> {
    let mut starts = vec![8];
    while let Some(head) = png.get(starts[starts.len() - 1]..).and_then(|rest| rest.first_chunk::<4>()) {
        starts.push(starts[starts.len() - 1] + u32::from_be_bytes(*head) as usize + 12);
    }
    starts
}

#[test]
fn a_part_cut_off_anywhere_is_resumed_to_the_same_bytes() {
    let shop = Shop::new();
    cut_off_anywhere(&shop, &scene(&shop));
}

#[test]
fn a_part_of_like_bands_cut_off_anywhere_is_resumed_to_the_same_bytes() {
    let shop = Shop::new();
    cut_off_anywhere(&shop, &grid(&shop));
}

fn cut_off_anywhere(shop: &Shop, layout: &Layout) {
    let expected = reference(shop, layout, "reference");
    let smallest = smallest_limit_bytes(&Run::of_layout(layout, shop.base()));
    let names: Vec<&String> = expected.keys().collect();
    let out = shop.path("out");
    for (nth, name) in names.iter().enumerate() {
        let whole = &expected[*name];
        let starts = chunk_starts(whole);
        assert!(starts.len() > 6, "signature, IHDR, pHYs, tEXt, several IDAT, IEND");
        let around = starts.iter().flat_map(|&start| [start.saturating_sub(1), start, start + 6]);
        let spread = (0..6).map(|sixth| whole.len() * sixth / 6);
        for cut in around.chain(spread).filter(|&cut| cut <= whole.len()) {
            fs::create_dir_all(&out).unwrap();
            // What comes before is finished, what comes after was not begun.
            names[..nth].iter().for_each(|before| fs::write(out.join(before), &expected[*before]).unwrap());
            fs::write(out.join(format!("{name}.partial")), &whole[..cut]).unwrap();
            resume(shop, layout, [smallest, PLENTY][cut % 2], 1 + cut % 3, &out)
                .unwrap_or_else(|error| panic!("{name} cut at {cut}: {error}"));
            assert_same(&parts_in(&out), &expected, &format!("{name} cut at {cut}"));
            assert_eq!(files_in(&out).len(), expected.len() + 2, "{name} cut at {cut}");
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

/// Every combination of parts that are finished, unfinished and missing, also such as no run leaves behind.
#[test]
fn any_state_of_the_folder_is_resumed_to_the_same_bytes() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let expected = reference(&shop, &layout, "reference");
    let out = shop.path("out");
    let smallest = smallest_limit_bytes(&Run::of_layout(&layout, shop.base()));
    for (state, limit_bytes) in (0..9).flat_map(|state| [smallest, smallest * 11 / 10, PLENTY].map(|limit| (state, limit))) {
        fs::create_dir_all(&out).unwrap();
        for ((name, whole), state) in expected.iter().zip([state % 3, state / 3]) {
            match state {
                0 => {}
                1 => fs::write(out.join(format!("{name}.partial")), &whole[..whole.len() * 2 / 3]).unwrap(),
                _ => fs::write(out.join(name), whole).unwrap(),
            }
        }
        let report = resume(&shop, &layout, limit_bytes, 2, &out).unwrap_or_else(|error| panic!("state {state}: {error}"));
        assert_same(&parts_in(&out), &expected, &format!("state {state}"));
        assert_eq!(files_in(&out).len(), expected.len() + 2, "state {state}");
        let last = report.parts.last().unwrap();
        assert_eq!(last.memory_after_bytes, report.parts[0].memory_before_bytes, "state {state}");
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn a_cancelled_run_can_be_resumed_from_wherever_it_stopped() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let expected = reference(&shop, &layout, "reference");
    let out = shop.path("out");
    let Planned { plan, .. } = common::plan(&layout, shop.base(), PLENTY, 1).unwrap();
    let steps = plan.parts().iter().map(|part| part.bands().len() + 2).sum::<usize>();
    let first_of_last = plan.parts()[0].bands().len() + 2;
    for (stop, threads) in (0..steps).flat_map(|stop| [(stop, 1), (stop, 4)]) {
        let cancel = Cancel::default();
        let mut done = 0;
        let options = RunOptions { cancel: cancel.clone(), ..options(PLENTY, threads) };
        let outcome = Run::of_layout(&layout, shop.base()).options(options).render(&out, |_| {
            if done == stop {
                cancel.cancel();
            }
            done += 1;
        });
        let what = format!("cancelled at step {stop} of {steps}, {threads} threads");
        match outcome {
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Cancelled), "{what}: {error}");
                let left = files_in(&out);
                assert!(left.keys().all(|name| name.ends_with(".png") || name.ends_with(".png.partial")), "{what}: {left:?}");
                assert!(!left.is_empty(), "{what}");
                left.iter().filter(|(name, _)| name.ends_with(".png")).for_each(|(name, content)| assert!(expected[name] == *content));
                let refused = Run::of_layout(&layout, shop.base()).render(&out, |_| {}).unwrap_err();
                assert!(
                    matches!(refused.kind(), ErrorKind::OutputExists { path } if left.contains_key(path.file_name().unwrap().to_str().unwrap()))
                );
                assert_same(&files_in(&out), &left, &what);
                resume(&shop, &layout, PLENTY, threads, &out).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            // Everything was done already, or under way on other threads.
            Ok(_) => assert!(stop + 2 >= steps || (threads > 1 && stop >= first_of_last), "{what}: it went on"),
        }
        assert_same(&parts_in(&out), &expected, &what);
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn overwriting_replaces_whatever_is_there() {
    let shop = Shop::new();
    let layout = scene(&shop);
    let expected = reference(&shop, &layout, "reference");
    let out = shop.path("out");
    fs::create_dir(&out).unwrap();
    for name in ["Test part 1.png", "Test part 1.png.partial", "Test part 2.png.partial", "report.json", "layout.json"] {
        fs::write(out.join(name), "something else").unwrap();
    }
    let options = RunOptions { existing: Existing::Overwrite, ..options(PLENTY, 2) };
    Run::of_layout(&layout, shop.base()).options(options).render(&out, |_| {}).unwrap();
    assert_same(&parts_in(&out), &expected, "overwritten");
    assert_eq!(files_in(&out).len(), expected.len() + 2);
    Report::read(&out.join("report.json")).unwrap();
}
