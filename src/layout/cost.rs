//! What a layout costs in film.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::geom::PxRect;
use crate::job::{Cost, Crop};
use crate::preflight::{MediaPx, Preflight};

/// What the film of a layout costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FilmCost {
    /// All parts together.
    pub total: Cost,
    /// Each order's share, in the order in which they first lie on the parts: a part's cost by the area of the copies on it.
    pub orders: Vec<OrderCost>,
}

/// What the film of one order costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrderCost {
    /// The order's id.
    pub order: Arc<str>,
    /// Its share.
    pub cost: Cost,
}

impl Layout {
    /// What the film costs, each part on the cheapest media of the checked job that holds it. `None` where the job gives no price, or no media
    /// holds a part.
    #[must_use]
    pub fn film_cost(&self, preflight: &Preflight) -> Option<FilmCost> {
        let mut shares: HashMap<&Arc<str>, usize> = HashMap::new();
        let mut orders: Vec<OrderCost> = Vec::new();
        let mut costs = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let size = part.size();
            let is_inside = |media: &MediaPx, rect: PxRect| {
                rect.x() >= media.left
                    && rect.y() >= media.top
                    && rect.right() <= media.width.saturating_sub(media.right)
                    && rect.bottom() <= media.max_length.saturating_sub(media.bottom)
            };
            let holds = |media: &MediaPx| {
                size.width() <= media.width
                    && size.height() <= media.max_length
                    && part.placements().iter().all(|placement| is_inside(media, placement.rect))
            };
            let length = |media: &MediaPx| if self.output.crop == Crop::None { media.max_length } else { size.height() };
            let priced = preflight.media().iter().zip(preflight.prices()).filter(|(media, _)| holds(media));
            let cost = priced.map(|(media, price)| price.of(media.width, length(media).into(), self.dpi)).min()?;
            costs.push(cost);
            let mut areas: Vec<(usize, u128)> = Vec::new();
            let mut at: HashMap<usize, usize> = HashMap::new();
            for placement in part.placements() {
                let order = *shares.entry(&placement.order).or_insert_with(|| {
                    orders.push(OrderCost { order: placement.order.clone(), cost: Cost::default() });
                    orders.len() - 1
                });
                let nth = *at.entry(order).or_insert(areas.len());
                if nth == areas.len() {
                    areas.push((order, 0));
                }
                areas[nth].1 += u128::from(placement.rect.size().area());
            }
            let whole = areas.iter().map(|&(_, area)| area).sum();
            for (order, area) in areas {
                orders[order].cost = [orders[order].cost, cost.share(area, whole)].into_iter().sum();
            }
        }
        Some(FilmCost { total: costs.into_iter().sum(), orders })
    }
}
