//! Sums over a sliding window that never subtract what leaves.

use crate::error::{Error, Result};
use crate::indicators::saved::Part;
use crate::indicators::state::{StateReader, StateWriter};

/// What is summed for each point: functions of its distance from the anchor.
pub(crate) trait Terms<const D: usize, const K: usize> {
    fn of(distance: [f64; D]) -> [f64; K];
}

/// Sums of `K` terms over the last `period` points of `D` coordinates.
///
/// The series is cut into blocks of `period`: a window is the end of the finished block and the
/// start of the growing one, and each part has its own sums, as in
/// [`RollingStd`](crate::indicators::RollingStd). Distances are taken from one point inside the
/// window, the last of the finished block, so that cancellation does not depend on the level of
/// the series and errors never pile up.
#[derive(Clone, Debug)]
pub(crate) struct AnchoredSums<T, const D: usize, const K: usize> {
    points: Box<[[f64; D]]>,
    /// From `position` on: sums of the finished block after that place.
    after: Box<[[f64; K]]>,
    position: usize,
    /// Sums of the growing block.
    head: [f64; K],
    anchor: [f64; D],
    latest: [f64; K],
    /// Distance of the latest point from the anchor.
    distance: [f64; D],
    ready: bool,
    terms: std::marker::PhantomData<T>,
}

impl<T: Terms<D, K>, const D: usize, const K: usize> AnchoredSums<T, D, K> {
    /// Sums over `period` points; at least 1, as its owner has checked.
    pub(crate) fn new(period: usize) -> Self {
        Self {
            points: vec![[0.0; D]; period].into_boxed_slice(),
            after: vec![[0.0; K]; period].into_boxed_slice(),
            position: 0,
            head: [0.0; K],
            anchor: [0.0; D],
            latest: [0.0; K],
            distance: [0.0; D],
            ready: false,
            terms: std::marker::PhantomData,
        }
    }

    #[inline]
    fn distance(&self, point: [f64; D]) -> [f64; D] {
        std::array::from_fn(|i| point[i] - self.anchor[i])
    }

    #[inline]
    pub(crate) fn push(&mut self, point: [f64; D]) {
        self.distance = self.distance(point);
        self.head = add(self.head, T::of(self.distance));
        self.latest = add(self.after[self.position], self.head);
        self.points[self.position] = point;
        self.position += 1;
        if self.position == self.points.len() {
            self.finish_block();
        }
    }

    /// Turns the finished block into the sums of what comes after each place, around its last
    /// point, and takes the latest result from them: the old anchor has left the window.
    fn finish_block(&mut self) {
        self.anchor = self.points[self.points.len() - 1];
        self.distance = [0.0; D];
        let mut sums = [0.0; K];
        for i in (0..self.points.len()).rev() {
            self.after[i] = sums;
            sums = add(sums, T::of(self.distance(self.points[i])));
        }
        self.latest = sums;
        self.position = 0;
        self.head = [0.0; K];
        self.ready = true;
    }

    /// The sums of the window's terms; `None` before `period` points.
    #[inline]
    pub(crate) fn sums(&self) -> Option<[f64; K]> {
        self.ready.then_some(self.latest)
    }

    /// The latest point's distance from the anchor that the sums are around.
    #[inline]
    pub(crate) fn latest_distance(&self) -> [f64; D] {
        self.distance
    }

    /// The anchor that the sums are around.
    #[inline]
    pub(crate) fn anchor(&self) -> [f64; D] {
        self.anchor
    }

    pub(crate) fn period(&self) -> usize {
        self.points.len()
    }
}

#[inline]
fn add<const K: usize>(a: [f64; K], b: [f64; K]) -> [f64; K] {
    std::array::from_fn(|i| a[i] + b[i])
}

impl<T, const D: usize, const K: usize> Part for AnchoredSums<T, D, K> {
    fn write(&self, writer: &mut StateWriter) {
        writer.usize(self.points.len());
        writer.usize(self.position);
        writer.bool(self.ready);
        self.head.write(writer);
        self.anchor.write(writer);
        self.latest.write(writer);
        self.distance.write(writer);
        for (point, after) in self.points.iter().zip(&self.after) {
            point.write(writer);
            after.write(writer);
        }
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        reader.parameter("period", self.points.len())?;
        self.position = reader.usize()?;
        self.ready = reader.bool()?;
        self.head.read(reader)?;
        self.anchor.read(reader)?;
        self.latest.read(reader)?;
        self.distance.read(reader)?;
        for (point, after) in self.points.iter_mut().zip(&mut self.after) {
            point.read(reader)?;
            after.read(reader)?;
        }
        if self.position >= self.points.len() {
            return Err(Error::signal("the saved window contradicts itself")
                .context("period", self.points.len())
                .context("position", self.position)
                .hint("the state is damaged; start fresh and warm up again"));
        }
        Ok(())
    }
}
